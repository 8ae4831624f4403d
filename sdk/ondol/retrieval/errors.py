"""Errors of documents and libraries, in the manner of `ondol.errors`.

    OndolError                     1
     ├─ DocumentError             12   a document cannot be read; the others go on
     │   ├─ CorruptDocument            damaged, or not what its name says
     │   ├─ DocumentTooLarge           larger than is read, or a zip bomb
     │   ├─ EmptyDocument              without any text, such as scanned pages
     │   ├─ EncryptedDocument          needs a password or a key
     │   ├─ UnknownFormat              no reader for files of this name
     │   └─ UnreadableDocument         the system does not let it be read: gone, a loop of links
     └─ LibraryError              13   a library of documents cannot be used
         ├─ CorruptLibrary             the file is no library, or is damaged
         ├─ LibraryNotFound            no library at that path
         ├─ NewerLibrary               written by a later version of Ondol
         ├─ ReadOnlyLibrary            the file or its folder may not be written
         └─ StaleVectors               its vectors are missing, or of another encoder

The documents of one call go on where one of them fails.
"""

from ondol.errors import OndolError


class DocumentError(OndolError):
    """A document cannot be read; the others of the same call go on."""

    exit_code = 12


class CorruptDocument(DocumentError):
    """A document is damaged, or not what its name says."""


class DocumentTooLarge(DocumentError):
    """A document is larger than is read, or unpacks to far more than its size."""


class EmptyDocument(DocumentError):
    """A document has no text."""


class EncryptedDocument(DocumentError):
    """A document needs a password or a key."""


class UnknownFormat(DocumentError):
    """No reader knows files of this name."""


class UnreadableDocument(DocumentError):
    """The system does not let a document be read: it is gone, no file, or a loop of links."""


class LibraryError(OndolError):
    """A library of documents cannot be used."""

    exit_code = 13


class CorruptLibrary(LibraryError):
    """A file is no library, or is damaged."""


class LibraryNotFound(LibraryError):
    """There is no library at that path."""


class NewerLibrary(LibraryError):
    """A library was written by a later version of Ondol."""


class ReadOnlyLibrary(LibraryError):
    """A library may be read, but not written."""


class StaleVectors(LibraryError):
    """A library's vectors are missing, or are another encoder's."""
