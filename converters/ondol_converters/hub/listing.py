"""What a hub holds of a model, and which of its files a conversion reads."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ondol.errors import DownloadCorrupt, ModelNotFound
from ondol.language import say

MOST_BYTES = 1 << 50
MOST_FILES = 100_000

SMALL = (
    r"config\.json",
    r"generation_config\.json",
    r"(tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|normalizer)\.json",
    r"(chat_template|preprocessor_config|processor_config)\.json",
    r"(tokenizer|spiece|sentencepiece[a-z.]*)\.model",
    r"chat_template\.jinja",
    r"(vocab|merges)\.txt",
    r"(modules|sentence_bert_config|config_sentence_transformers)\.json",
    r"[0-9]_[A-Z][A-Za-z]*/config\.json",
    r"(LICEN[CS]E|NOTICE)[A-Za-z0-9._-]*",
)
"""Files beside the weights that a converter reads: settings, tokenizer, pooling, terms."""

WEIGHTS = (
    r"model\.safetensors",
    r"model\.safetensors\.index\.json",
    r"model-[0-9]{5}-of-[0-9]{5}\.safetensors",
)
TERMS = (SMALL[-1],)

_HASH = {40: "sha1", 64: "sha256"}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository: its path, bytes, and hash in hex.

    `digest` is the SHA-256 of the bytes where the hub keeps it apart (LFS), else the SHA-1 of
    git's blob: see https://git-scm.com/book/en/v2/Git-Internals-Git-Objects.
    """

    path: str
    size: int
    digest: str

    @property
    def kind(self) -> str:
        """Which hash `digest` is: sha1 (of the blob) or sha256."""
        return _HASH[len(self.digest)]


@dataclass(frozen=True, slots=True)
class Listing:
    """A repository at one commit: its files, and the licence its card claims ("" for none)."""

    repository: str
    commit: str
    licence: str
    files: tuple[RemoteFile, ...]


def plain_path(path: str) -> bool:
    """Whether a path is that of a file in a folder or one folder below, on any system."""
    name = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}"
    return re.fullmatch(rf"{name}(/{name})?", path) is not None and ".." not in path


def checked(file: RemoteFile) -> RemoteFile:
    """A file of a listing that can be trusted with a place on this disk.

    Raises:
        DownloadCorrupt: if its path leads out of the folder, or size or hash is none.
    """
    hashed = re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", file.digest)
    if not plain_path(file.path) or not hashed or not 0 <= file.size < MOST_BYTES:
        raise DownloadCorrupt(
            say("The hub's list of files does not hold.", "허브의 파일 목록이 올바르지 않습니다."),
            f"{file.path!r:.200}: {file.size} bytes, {file.digest!r:.80}",
            say(
                "Do not use this model; tell its owner.",
                "이 모델을 쓰지 말고 올린 사람에게 알리세요.",
            ),
        )
    return file


def choose(listing: Listing, wanted: str | None) -> tuple[RemoteFile, ...]:
    """The files that a conversion needs, small ones first.

    Args:
        listing: everything there is.
        wanted: one GGUF file by its path; None takes the safetensors, or an only GGUF.

    Raises:
        ModelNotFound: if `wanted` is not there, or nothing can be converted.
        DownloadCorrupt: if what the hub says of a file cannot be true.
    """
    paths = {file.path for file in listing.files}
    ggufs = sorted(path for path in paths if path.lower().endswith(".gguf"))
    if wanted is None and not _matching(paths, WEIGHTS[:1] + WEIGHTS[2:]) and len(ggufs) == 1:
        wanted = ggufs[0]
    if wanted is not None:
        if wanted not in ggufs:
            raise _missing(listing, wanted, ggufs)
        chosen = {wanted} | _matching(paths, TERMS)
    elif weights := _matching(paths, WEIGHTS):
        chosen = weights | _matching(paths, SMALL)
    else:
        raise _nothing(listing, ggufs)
    found = [checked(file) for file in listing.files if file.path in chosen]
    return tuple(sorted(found, key=lambda file: (file.size, file.path)))


def _matching(paths: Iterable[str], patterns: tuple[str, ...]) -> set[str]:
    return {path for path in paths if any(re.fullmatch(pattern, path) for pattern in patterns)}


def _missing(listing: Listing, wanted: str, ggufs: list[str]) -> ModelNotFound:
    return ModelNotFound(
        say(
            f"{listing.repository} has no GGUF file {wanted!r}.",
            f"{listing.repository}에 GGUF 파일 {wanted!r}이(가) 없습니다.",
        ),
        say(f"It has: {_few(ggufs)}", f"있는 파일: {_few(ggufs)}"),
        say("Give one of them with --file.", "그중 하나를 --file로 고르세요."),
    )


def _nothing(listing: Listing, ggufs: list[str]) -> ModelNotFound:
    if ggufs:
        return ModelNotFound(
            say(
                f"{listing.repository} holds several GGUF files.",
                f"{listing.repository}에 GGUF 파일이 여러 개 있습니다.",
            ),
            _few(ggufs),
            f"ondol pull hf:{listing.repository} --file {ggufs[0]}",
        )
    return ModelNotFound(
        say(
            f"{listing.repository} holds nothing that can be converted.",
            f"{listing.repository}에는 변환할 수 있는 것이 없습니다.",
        ),
        say(
            "It has neither safetensors nor GGUF; pickled weights can run code and are not read.",
            "safetensors도 GGUF도 없습니다. 피클 가중치는 코드를 실행할 수 있어 읽지 않습니다.",
        ),
        say(
            "Look for a repository of the same model with safetensors.",
            "같은 모델의 safetensors 저장소를 찾아보세요.",
        ),
    )


def _few(names: list[str]) -> str:
    return ", ".join(names[:12]) + (" …" if len(names) > 12 else "") if names else "-"
