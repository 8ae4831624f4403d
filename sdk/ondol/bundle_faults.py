"""What can be wrong with a bundle, as errors that say so."""

from pathlib import Path

from ondol.errors import BundleError, CorruptBundle, UnsafePath, WrongKind
from ondol.language import say
from ondol.manifest import FileEntry
from ondol.model_facts import EncoderFacts, Facts, ModelFacts, SpeechFacts


def no_file(bundle: str, name: str) -> CorruptBundle:
    """A file that the manifest does not list."""
    return CorruptBundle(
        say(f"{bundle} has no file {name}.", f"{bundle}에 {name} 파일이 없습니다.")
    )


def not_whole(bundle: str, entry: FileEntry, size: int) -> CorruptBundle:
    """A file of another size than the manifest says; -1: none at all."""
    found = say("missing", "없음") if size < 0 else f"{size}"
    return CorruptBundle(
        say(
            f"{bundle}: {entry.path} is not whole.",
            f"{bundle}: {entry.path}이(가) 온전하지 않습니다.",
        ),
        say(
            f"{entry.size} bytes expected, found: {found}.",
            f"{entry.size}바이트여야 하는데 {found}입니다.",
        ),
        _again(),
    )


def differs(bundle: str, name: str) -> CorruptBundle:
    """A file whose hash is another."""
    return CorruptBundle(
        say(
            f"{bundle}: {name} is not what was packed.",
            f"{bundle}: {name}의 내용이 처음과 다릅니다.",
        ),
        say("Its SHA-256 differs from the manifest.", "SHA-256이 목록과 다릅니다."),
        _again(),
    )


def changed(bundle: str) -> CorruptBundle:
    """A manifest that is no longer the one that was read."""
    return CorruptBundle(
        say(
            f"{bundle}: the manifest was changed while in use.",
            f"{bundle}: 쓰는 동안 목록 파일이 바뀌었습니다.",
        ),
        "",
        say("Open the bundle again.", "번들을 다시 여세요."),
    )


def unreadable(bundle: str, name: str, exc: OSError) -> CorruptBundle:
    """A file that the system does not give."""
    return CorruptBundle(
        say(
            f"{bundle}: {name} cannot be read.",
            f"{bundle}: {name}을(를) 읽을 수 없습니다.",
        ),
        f"{type(exc).__name__}: {exc.strerror or exc}",
        say("Check the folder and its permissions.", "폴더와 권한을 확인하세요."),
    )


def leads_out(bundle: str, name: str) -> UnsafePath:
    """A link where a file should be."""
    return UnsafePath(
        say(
            f"{bundle}: {name} leads out of the bundle.",
            f"{bundle}: {name}이(가) 번들 밖으로 이어집니다.",
        ),
        say(
            "A link stands where a file should be.",
            "파일이 있어야 할 자리에 링크가 있습니다.",
        ),
    )


def one_file(path: Path) -> BundleError:
    """A `.ondol` file where a folder is needed."""
    return BundleError(
        say(f"{path.name} is one file.", f"{path.name}은(는) 파일 하나로 된 번들입니다."),
        say("Only a folder can be changed.", "폴더로 된 번들만 바꿀 수 있습니다."),
        f"ondol unpack {path}",
    )


def wrong_kind(name: str, model: Facts, english: str, korean: str) -> WrongKind:
    """A bundle whose model is of another kind than was asked for."""
    called, said, use = {
        ModelFacts: (
            "generates text",
            "글을 쓰는 모델입니다.",
            f"ondol chat {name}",
        ),
        EncoderFacts: (
            "encodes text",
            "글을 벡터나 이름표로 바꾸는 인코더입니다.",
            "ondol.encoder.Encoder.open(...)",
        ),
        SpeechFacts: (
            "recognises speech",
            "음성을 글로 바꾸는 모델입니다.",
            "ondol.speech.Recogniser.open(...)",
        ),
    }[type(model)]
    return WrongKind(
        say(f"{name} is no {english}.", f"{name}은(는) {korean}이 아닙니다."),
        say(f"Its model, {model.model_type}, {called}.", f"{model.model_type}: {said}"),
        say(f"Use it so: {use}", f"이렇게 쓰세요: {use}"),
    )


def _again() -> str:
    return say(
        "Get the bundle again, or convert the model again.",
        "번들을 다시 받거나 모델을 다시 변환하세요.",
    )
