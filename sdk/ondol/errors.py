"""Every error that Ondol raises on purpose.

Each says what went wrong, why, and the command that fixes it; each kind has its exit code.

    OndolError                     1
     ├─ OptionError                2   an option or argument that cannot be meant
     │   ├─ BadKey                     a key file that is none, or whose passphrase is wrong
     │   ├─ BadText                    a text or task file that is empty, broken or not UTF-8
     │   ├─ BadLabel                   an exported text whose AI label is missing or does not hold
     │   ├─ BadGrammar                 a schema, type or grammar that no reply could keep to
     │   ├─ BadTool                    a function that no model can call
     │   ├─ BadPack                    an assistant pack that is none, does not hold or is not safe
     │   └─ BadConversation            a saved conversation that is none, or is damaged
     ├─ SourceError                3   a model to convert is not one, or is broken
     │   ├─ CorruptSource              truncated, bit-flipped, or lying about itself
     │   ├─ MissingTokenizer           weights without a tokenizer
     │   ├─ UnknownArchitecture        a model family that no file here describes
     │   ├─ UnsupportedTensor          a tensor kind or shape that cannot be carried over
     │   └─ BudgetUnmet                no bundle loses as little as was asked for
     │   └─ ConversionMismatch         what was made does not compute what the source does
     ├─ BundleError                4   a bundle is not one, or may not be used
     │   ├─ BundleNotFound             no bundle of that name
     │   ├─ CorruptBundle              a hash, size or field does not hold
     │   ├─ UnsafePath                 a manifest names a file outside its folder
     │   ├─ WrongKind                  a model of another kind than was asked for
     │   ├─ BadSignature               a signature is missing, broken, or by another key
     │   └─ PolicyForbids              this machine's policy does not allow it
     ├─ DeviceError                5   a device cannot be used
     │   ├─ UnknownDevice              no device of that name
     │   ├─ DeviceUnavailable          known, but not usable here; carries its report
     │   ├─ DeviceTimeout              a device that gives no answer while a bundle is opened
     │   ├─ DeviceLost                 a device that fails in the middle of a session, and ends it
     │   ├─ UnsupportedOperators       a graph has nodes that a device does not take; names them
     │   ├─ NotEnoughMemory            a bundle would not fit; says what would
     │   ├─ NoSnapshot                 a device that does not give its cache away
     │   ├─ SessionClosed              a session used after close()
     │   └─ ContractBroken             a device fails a check of ondol.testing
     ├─ GenerationError            6   a prompt or a reply that cannot go on
     │   ├─ BadPrompt                  empty, or not Unicode text
     │   ├─ ContextFull                more tokens than the context holds
     │   ├─ CutShort                   a reply that ended before its data did; carries both
     │   ├─ InvalidData                a reply that is no instance of the type; carries its text
     │   └─ TemplateError              the chat template failed or broke a rule
     ├─ StorageError               7   the disk said no; nothing old was harmed
     │   ├─ DiskFull                   no space left; what was half-written is removed
     │   └─ Busy                       another process is writing the same bundle
     ├─ MissingExtra               8   an optional part is not installed
     ├─ HubError                   9   a model could not be fetched from a hub
     │   ├─ NotAllowed                 nobody gave the word to use the network, or it is forbidden
     │   ├─ HubUnreachable             no answer, or one that broke off
     │   ├─ ModelNotFound              no such repository, revision or file there
     │   ├─ ModelGated                 its owner has to let the user in first
     │   └─ DownloadCorrupt            what came is not what the hub lists
     └─ SweepError                10   a sweep of conversions did not do everything
         └─ ClusterLost                its Dask cluster does not answer, or is gone
"""


class OndolError(Exception):
    """What went wrong, why, and how to fix it: three lines, each one sentence."""

    exit_code = 1

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        super().__init__(what, why, fix)
        self.what = what
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        return "\n".join(line for line in (self.what, self.why, self.fix) if line)


class OptionError(OndolError):
    """An option or argument that cannot be meant."""

    exit_code = 2


class BadKey(OptionError):
    """A key file is none, or its passphrase is wrong."""


class BadConversation(OptionError):
    """A saved conversation is none, is damaged, or cannot be read."""


class BadText(OptionError):
    """A text or task file is empty, broken, or not UTF-8."""


class BadLabel(OptionError):
    """An exported text's label that AI wrote it is missing, or does not hold."""


class BadGrammar(OptionError):
    """A schema, type, regex or grammar that is none, is too large, or that no text fulfils."""


class BadTool(OptionError):
    """A function that cannot be a tool, or a model that cannot call one."""


class BadPack(OptionError):
    """An assistant pack is none, does not hold, or leads out of its folder."""


class SourceError(OndolError):
    """A model to convert is not one, or is broken."""

    exit_code = 3


class CorruptSource(SourceError):
    """A source file is truncated, bit-flipped, or lies about itself."""


class MissingTokenizer(SourceError):
    """The weights come without a tokenizer."""


class UnknownArchitecture(SourceError):
    """A model family that no file here describes."""


class UnsupportedTensor(SourceError):
    """A tensor of a kind or shape that cannot be carried over."""


class BudgetUnmet(SourceError):
    """No bundle of a model loses as little as was asked for; the message says the best found."""


class ConversionMismatch(SourceError):
    """A converted model does not compute what its source does; it was not kept."""


class BundleError(OndolError):
    """A bundle is not one, or may not be used."""

    exit_code = 4


class BundleNotFound(BundleError):
    """No bundle of that name or at that path."""


class CorruptBundle(BundleError):
    """A hash, size or field of a bundle does not hold."""


class UnsafePath(BundleError):
    """A manifest names a file outside its own folder."""


class WrongKind(BundleError):
    """A model of another kind than was asked for, such as a chat with an encoder."""


class BadSignature(BundleError):
    """A bundle's signature is missing, broken, or by another key than was asked for."""


class PolicyForbids(BundleError):
    """This machine's policy does not allow it; the message quotes the rule and its file."""


class DeviceError(OndolError):
    """A device cannot be used."""

    exit_code = 5


class UnknownDevice(DeviceError):
    """No device of that name."""


class DeviceUnavailable(DeviceError):
    """A known device that is not usable here; the message repeats its report."""


class DeviceTimeout(DeviceError):
    """A device gave no answer while a bundle was opened on it; it is not waited for."""


class DeviceLost(DeviceError):
    """A device failed in the middle of a session, which it ended; another device can go on."""


class UnsupportedOperators(DeviceError):
    """A graph has nodes that a device does not take; the message names them."""


class NotEnoughMemory(DeviceError):
    """A bundle would not fit in the memory there is; nothing was loaded."""


class NoSnapshot(DeviceError):
    """A device does not give its cache away, or takes none; the text can be run again."""


class SessionClosed(DeviceError):
    """A session was used after close()."""


class ContractBroken(DeviceError):
    """A device fails a check of `ondol.testing`."""


class GenerationError(OndolError):
    """A prompt or a reply that cannot go on."""

    exit_code = 6


class BadPrompt(GenerationError):
    """A prompt that is empty or is not Unicode text."""


class ContextFull(GenerationError):
    """More tokens than the context holds."""


class CutShort(GenerationError):
    """A reply ended before its data did: `text` is what there is, `finish` says why it ended."""

    def __init__(
        self, what: str, why: str = "", fix: str = "", text: str = "", finish: str = ""
    ) -> None:
        super().__init__(what, why, fix)
        self.text = text
        self.finish = finish


class InvalidData(GenerationError):
    """A whole reply is no instance of the type that was asked for: `text` is the reply."""

    def __init__(self, what: str, why: str = "", fix: str = "", text: str = "") -> None:
        super().__init__(what, why, fix)
        self.text = text


class TemplateError(GenerationError):
    """The chat template failed, or tried what the sandbox forbids."""


class StorageError(OndolError):
    """The disk said no; nothing that was there before is harmed."""

    exit_code = 7


class DiskFull(StorageError):
    """No space left on the disk; what was half-written is removed."""


class Busy(StorageError):
    """Another process is writing the same bundle."""


class MissingExtra(OndolError):
    """An optional part of Ondol is not installed."""

    exit_code = 8


class HubError(OndolError):
    """A model could not be fetched from a hub."""

    exit_code = 9


class NotAllowed(HubError):
    """Nobody gave the word to use the network, or the environment forbids it."""


class HubUnreachable(HubError):
    """The hub gives no answer, or one that broke off; what came is kept."""


class ModelNotFound(HubError):
    """The hub has no such repository, revision or file."""


class ModelGated(HubError):
    """The owner of a model has to let the user in first."""


class DownloadCorrupt(HubError):
    """What came from the hub is not what it lists."""


class SweepError(OndolError):
    """A sweep of conversions did not do everything; what is done is kept."""

    exit_code = 10


class ClusterLost(SweepError):
    """The Dask cluster of a sweep does not answer, has no workers, or is gone."""
