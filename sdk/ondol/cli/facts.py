"""What commands say about a bundle: counted from its manifest alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ondol.bundle import Bundle
from ondol.language import say
from ondol.manifest import NO_KERNEL, MatrixRecord
from ondol.tokenizing.layout import TABLE

TEMPLATE = "chat_template.jinja"
SHOWN = 3  # names of tensors in one line
SCALE_BYTES = 4  # one float32 for each block


@dataclass(frozen=True, slots=True)
class Layout:
    """Matrices that are stored alike: bits a weight, weights a block (0: no blocks)."""

    bits: int
    block: int
    matrices: int
    exact: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """A bundle in one line: sizes in bytes, context in tokens, shares from 0 to 1.

    `no_kernel` are tensors that stay in float32 since no kernel takes their rows.
    `tokenizer` is what it runs by: "table", which is mapped, or "library", `tokenizers`.
    """

    name: str
    path: str
    size_bytes: int
    model_type: str
    parameters: int
    bits_per_weight: float
    exact_share: float
    context_tokens: int
    chats: bool
    licence: str
    licence_kind: str
    no_kernel: tuple[str, ...]
    licence_note: str
    tokenizer: str


def facts(bundle: Bundle) -> BundleFacts:
    """The line of a bundle."""
    manifest = bundle.manifest
    records = manifest.recipe.matrices
    weights = sum(map(_weights, records)) or 1.0
    return BundleFacts(
        name=bundle.name,
        path=str(bundle.path),
        size_bytes=bundle.size,
        model_type=manifest.model.model_type,
        parameters=manifest.model.parameters,
        bits_per_weight=8 * sum(r.bytes for r in records) / weights,
        exact_share=sum(_weights(r) for r in records if r.exact) / weights,
        context_tokens=manifest.model.context,
        chats=any(entry.path == TEMPLATE for entry in manifest.files),
        licence=manifest.licence.name,
        licence_kind=manifest.licence.kind,
        licence_note=manifest.licence.note,
        tokenizer="table" if any(e.path == TABLE for e in manifest.files) else "library",
        no_kernel=tuple(record.name for record in records if record.method == NO_KERNEL),
    )


def tokenizer_pair(bundle: BundleFacts) -> tuple[str, str]:
    """The line of what the tokenizer runs by."""
    shown = {
        "table": say("mapped table, no library", "매핑한 테이블, 라이브러리 없음"),
        "library": say("the `tokenizers` library", "`tokenizers` 라이브러리"),
    }
    return say("tokenizer", "토크나이저"), shown[bundle.tokenizer]


def stored_pairs(bundle: BundleFacts) -> tuple[tuple[str, str], ...]:
    """The lines of what the tokenizer runs by, and of what no kernel takes."""
    return (tokenizer_pair(bundle), *_no_kernel_pairs(bundle.no_kernel))


def _no_kernel_pairs(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The line of what stays in float32 against the user's wish; none where nothing does."""
    if not names:
        return ()
    more = f" +{len(names) - SHOWN}" if len(names) > SHOWN else ""
    shown = ", ".join(names[:SHOWN]) + more
    return (
        (
            say("left in float32", "float32로 남음"),
            say(
                f"{len(names)}, rows that are no multiple of 16 fit no kernel: {shown}",
                f"{len(names)}개, 행 길이가 16의 배수가 아니라 쓸 커널이 없음: {shown}",
            ),
        ),
    )


def layouts(records: Sequence[MatrixRecord]) -> tuple[Layout, ...]:
    """How many matrices are stored in which way, most bytes first."""
    count: Counter[tuple[int, int]] = Counter()
    exact: Counter[tuple[int, int]] = Counter()
    size: Counter[tuple[int, int]] = Counter()
    for record in records:
        key = (record.bits, record.block)
        count[key] += 1
        exact[key] += record.exact
        size[key] += record.bytes
    return tuple(
        Layout(*key, matrices=count[key], exact=exact[key], size_bytes=total)
        for key, total in size.most_common()
    )


def _weights(record: MatrixRecord) -> float:
    """How many weights a matrix has, from the bytes it takes."""
    scale = SCALE_BYTES / record.block if record.block and record.bits < 32 else 0.0
    return record.bytes / (record.bits / 8 + scale) if record.bits else 0.0


def megabytes(size: int) -> str:
    """Bytes as people read them; a megabyte is 10^6 bytes, as on a disk's label."""
    if size < 1e6:
        return f"{size / 1e3:,.1f} kB"
    return f"{size / 1e6:,.1f} MB" if size < 1e8 else f"{size / 1e6:,.0f} MB"


def count(number: int) -> str:
    """A number of parameters as people read it."""
    if number >= 10**9:
        return f"{number / 1e9:.2f} B"
    return f"{number / 1e6:.1f} M" if number >= 10**6 else f"{number:,}"


def licence_class(kind: str) -> str:
    """The class of a licence in the user's language."""
    return {
        "commercial": say("commercial use allowed", "상업적 이용 가능"),
        "conditional": say("conditions apply", "조건부 이용"),
        "research-only": say("research only", "연구용으로만"),
        "unknown": say("unknown", "알 수 없음"),
    }.get(kind, kind)


def terms(bundle: BundleFacts) -> str:
    """A bundle's licence and its class."""
    return f"{bundle.licence} ({licence_class(bundle.licence_kind)})"


def encoder_task(task: str) -> str:
    """What an encoder is for, in the user's language."""
    return {
        "embed": say("embeds text", "글을 벡터로"),
        "classify": say("classifies text", "글을 분류"),
        "tag": say("tags words", "낱말마다 이름표"),
    }.get(task, task)
