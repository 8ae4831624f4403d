"""XML from strangers: no document types, so no entities that grow or that fetch files."""

import zipfile
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ondol.language import say
from ondol.retrieval.limits import corrupt, part

_HEAD = 4096


def parse(packed: zipfile.ZipFile, name: str) -> Element:
    """A part of a zip file as XML.

    Raises:
        CorruptDocument: if it is no XML, or declares a document type.
    """
    try:
        root: Element = fromstring(part(packed, name), forbid_dtd=True)
    except DefusedXmlException as exc:
        raise _forbidden(name) from exc
    except (ParseError, ValueError, LookupError) as exc:
        raise corrupt(f"{name}: {exc}") from exc
    return root


def refuse_entities(packed: zipfile.ZipFile) -> None:
    """Refuse a zip file where a part of XML declares a document type, which no office writes.

    Raises:
        CorruptDocument: if one does.
    """
    for name in packed.namelist():
        if name.lower().endswith((".xml", ".rels")):
            with packed.open(name) as file:
                head = file.read(_HEAD)
            if b"<!DOCTYPE" in head.replace(b"\0", b"").upper():
                raise _forbidden(name)


def _forbidden(name: str) -> Exception:
    return corrupt(
        say(
            f"{name} declares a document type, whose entities are not expanded.",
            f"{name}에 문서 형식(DTD) 선언이 있습니다. 개체를 펼치지 않습니다.",
        )
    )
