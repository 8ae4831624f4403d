"""The header of a GGUF file, version 2 or 3, little-endian, read as hostile input.

Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. (The `gguf` package's own
reader makes an array object per string: half a minute and 700 MB for 262,144 tokens.)
"""

from dataclasses import dataclass

from gguf import GGML_QUANT_SIZES

from ondol_converters.sources import TensorInfo
from ondol_converters.sources.gguf_values import Cursor, Value
from ondol_converters.sources.parts import PartedFile

MAGIC = b"GGUF"
VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32

# No known model comes near these; they bound what a lying header can cost.
MAX_KEYS = 1 << 16
MAX_TENSORS = 1 << 16
MAX_NAME_BYTES = (1 << 16) - 1
MAX_DIMENSIONS = 4

KINDS = {int(kind): (kind.name, *sizes) for kind, sizes in GGML_QUANT_SIZES.items()}
"""GGML's storage kinds by number: name, elements per block, bytes per block."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a tensor lies in the file: first byte, rows, bytes per row."""

    start: int
    rows: int
    row_bytes: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says of itself: keys, tensors, and where their bytes are."""

    metadata: dict[str, Value]
    tensors: dict[str, TensorInfo]
    spans: dict[str, Span]


def read_header(file: PartedFile) -> Header:
    """Read and check the header.

    Raises:
        CorruptSource: if anything in it does not hold.
    """
    return _Reader(file).header()


class _Reader(Cursor):
    def header(self) -> Header:
        magic = self.take(min(len(MAGIC), self.left))
        if magic != MAGIC:
            raise self.broken(
                f"It begins with {magic!r}, a GGUF file with {MAGIC!r}.",
                f"GGUF 파일은 {MAGIC!r}로 시작하는데 이 파일은 {magic!r}로 시작합니다.",
            )
        version = self.u32()
        if version not in VERSIONS:
            swapped = int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS
            en = "big-endian, which is not supported" if swapped else f"GGUF version {version}"
            ko = "빅엔디언이며 지원하지 않습니다" if swapped else f"GGUF {version}판입니다"
            raise self.broken(
                f"It is {en}; versions 2 and 3, little-endian, are read.",
                f"이 파일은 {ko}. 리틀엔디언 2판과 3판만 읽습니다.",
            )
        # A tensor takes at least 24 bytes of header, a key 13.
        tensors = self.limit("tensors", "텐서", self.u64(), min(self.left // 24, MAX_TENSORS))
        keys = self.limit("keys", "키", self.u64(), min(self.left // 13, MAX_KEYS))
        metadata: dict[str, Value] = {}
        for _ in range(keys):
            key = self._name()
            if key in metadata:
                raise self.broken(f"The key {key!r} comes twice.", f"키 {key!r}이(가) 중복됩니다.")
            metadata[key] = self.value(self.u32())
        infos: dict[str, TensorInfo] = {}
        spans: dict[str, Span] = {}
        for _ in range(tensors):
            info, span = self._tensor()
            if info.name in infos:
                raise self.broken(
                    f"The tensor {info.name!r} comes twice.",
                    f"텐서 {info.name!r}이(가) 중복됩니다.",
                )
            infos[info.name], spans[info.name] = info, span
        return Header(metadata, infos, self._place(metadata, spans))

    def _name(self) -> str:
        name = self.string(MAX_NAME_BYTES)
        if not name:
            raise self.broken("A key or tensor has no name.", "이름 없는 키나 텐서가 있습니다.")
        return name

    def _tensor(self) -> tuple[TensorInfo, Span]:
        name = self._name()
        count = self.limit("dimensions", "차원", self.u32(), MAX_DIMENSIONS)
        shape = tuple(self.u64() for _ in range(count))[::-1]
        number, offset = self.u32(), self.u64()
        if number not in KINDS:
            raise self.broken(
                f"The tensor {name!r} is of kind {number}, which GGML does not have.",
                f"텐서 {name!r}의 종류({number})는 GGML에 없습니다.",
            )
        kind, block, block_bytes = KINDS[number]
        if not shape or min(shape) == 0 or shape[-1] % block:
            raise self.broken(
                f"The tensor {name!r} of kind {kind} cannot have the shape {shape}.",
                f"{kind} 텐서 {name!r}의 모양이 {shape}일 수 없습니다.",
            )
        row_bytes = shape[-1] // block * block_bytes
        for middle in shape[1:-1]:
            row_bytes *= middle
        rows = shape[0] if count > 1 else 1
        return TensorInfo(name, shape, kind), Span(offset, rows, row_bytes)

    def _place(self, metadata: dict[str, Value], spans: dict[str, Span]) -> dict[str, Span]:
        """The spans with their offsets made absolute, none outside the file, none overlapping."""
        alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
        if type(alignment) is not int or alignment <= 0 or alignment & (alignment - 1):
            raise self.broken(
                f"Its alignment is {alignment!r}; it must be a power of two.",
                f"정렬 값이 {alignment!r}입니다. 2의 거듭제곱이어야 합니다.",
            )
        data = -(-self.position // alignment) * alignment
        placed: dict[str, Span] = {}
        end, before = data, ""
        for name, span in sorted(spans.items(), key=lambda item: item[1].start):
            start = data + span.start
            if span.start % alignment:
                why = f"begins at {span.start}, not a multiple of {alignment}"
                why_ko = f"의 시작({span.start})이 {alignment}의 배수가 아닙니다"
            elif start < end:
                why, why_ko = f"overlaps {before!r}", f"이(가) {before!r}와(과) 겹칩니다"
            elif start + span.rows * span.row_bytes > self.size:
                why = f"lies outside the file of {self.size} bytes"
                why_ko = f"이(가) {self.size}바이트 파일 밖에 있습니다"
            else:
                placed[name] = Span(start, span.rows, span.row_bytes)
                end, before = start + span.rows * span.row_bytes, name
                continue
            raise self.broken(f"The tensor {name!r} {why}.", f"텐서 {name!r}{why_ko}.")
        return placed
