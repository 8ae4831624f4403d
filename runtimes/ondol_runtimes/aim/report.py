"""What `ondol simulate --device aim` says: a product's figures, and a bundle's decode.

Times are cycles of the model in `cycles` at the preset's clock. No figure was measured on
silicon, and every report carries what it assumes.
"""

from collections import Counter
from dataclasses import dataclass

from ondol.bundle import Bundle
from ondol.errors import OptionError
from ondol.language import say
from ondol_runtimes.aim.cycles import cycles
from ondol_runtimes.aim.geometry import (
    GEOMETRY,
    SOURCE,
    TIMING,
    inside_bytes_per_second,
    outside_bytes_per_second,
    peak_flops,
)
from ondol_runtimes.aim.mapping import Gemv, check_channels
from ondol_runtimes.aim.workload import Work, placed, work_of

USUAL_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class Product:
    """One matrix-vector product, simulated. Bytes and operations of one run of it.

    `roof_share` is how near its rate comes to that of all banks multiplying without a pause;
    `outside_seconds` is what a processor takes to read the same BF16 matrix over the bus.
    """

    simulated: bool
    device: str
    rows: int
    columns: int
    channels: int
    cycles: int
    seconds: float
    inside_bytes: int
    outside_bytes: int
    flops_per_second: float
    roof_flops_per_second: float
    roof_share: float
    outside_seconds: float
    energy: str
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Matrices of one shape in a token's decode; `cycles` are one's."""

    rows: int
    columns: int
    matrices: int
    cycles: int
    roof_share: float


@dataclass(frozen=True, slots=True)
class Stay:
    """A part of decode that stays on the processor: multiplications and bytes of one token."""

    part: str
    reason: str
    macs: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Decode:
    """Decoding one token of a bundle after `length` others, simulated.

    `cycles` and `tokens_per_second` are of the matrices alone: nobody decodes faster. The
    `bus_` rates are roofs of a processor that reads every weight through the same memory's bus:
    in BF16, and as the bundle stores them. Shares are of what cannot move there: of
    multiplications, and of bytes that a processor alone would read.
    """

    simulated: bool
    device: str
    bundle: str
    channels: int
    length: int
    cycles: int
    tokens_per_second: float
    inside_bytes: int
    outside_bytes: int
    weight_bytes: int
    stored_bytes: int
    bank_rows: int
    most_bank_rows: int
    roof_tokens_per_second: float
    bus_tokens_per_second: float
    bus_stored_tokens_per_second: float
    stays_share_macs: float
    stays_share_bytes: float
    steps: tuple[Step, ...]
    stays: tuple[Stay, ...]
    energy: str
    assumptions: tuple[str, ...]


def of_product(rows: int, columns: int, channels: int) -> Product:
    """Simulate one product.

    Raises:
        OptionError: if there is no such matrix or memory, or the one does not fit the other.
    """
    gemv = Gemv(rows, columns, channels)
    taken = cycles(gemv)
    seconds = _seconds(taken)
    rate = 2 * gemv.macs / seconds
    return Product(
        simulated=True,
        device=_device(),
        rows=rows,
        columns=columns,
        channels=channels,
        cycles=taken,
        seconds=seconds,
        inside_bytes=gemv.inside_bytes,
        outside_bytes=gemv.outside_bytes,
        flops_per_second=rate,
        roof_flops_per_second=peak_flops(channels),
        roof_share=rate / peak_flops(channels),
        outside_seconds=gemv.macs * GEOMETRY.value_bytes / outside_bytes_per_second(channels),
        energy=_energy(),
        assumptions=_assumptions(),
    )


def of_decode(bundle: Bundle, channels: int, length: int | None = None) -> Decode:
    """Simulate the matrices of one token's decode.

    Args:
        bundle: a decoder.
        channels: of the memory, 1 to 32.
        length: tokens that attention looks back on; None: 1024, or the bundle's context.

    Raises:
        OptionError: if the memory cannot be, or the length is more than the bundle's context.
        DeviceUnavailable: if the weights do not fit the channels.
        WrongKind, CorruptBundle: if the bundle cannot be decoded.
    """
    check_channels(channels)
    model, work = bundle.decoder, work_of(bundle)
    length = min(USUAL_LENGTH, model.context) if length is None else length
    if not 1 <= length <= model.context:
        raise OptionError(
            say(f"A context of {length} tokens cannot be.", f"문맥이 {length}토큰일 수 없습니다."),
            say(
                f"{bundle.name} holds 1 to {model.context}.",
                f"{bundle.name}의 문맥은 1에서 {model.context}토큰까지입니다.",
            ),
            f"--context {model.context}",
        )
    products = placed(work.matrices, channels, bundle.name)
    counted = Counter(products)
    taken = {gemv: cycles(gemv) for gemv in counted}
    total = sum(taken[gemv] for gemv in products)
    row = 2 * model.kv_heads * model.head_dim * model.cache_item_bytes
    stays = _stays(work, model.head_dim, row, length)
    macs, stored = sum(g.macs for g in products), sum(m.stored_bytes for m in work.matrices)
    left_macs, left_bytes = sum(s.macs for s in stays), sum(s.bytes for s in stays)
    weights = macs * GEOMETRY.value_bytes
    bus = outside_bytes_per_second(channels)
    return Decode(
        simulated=True,
        device=_device(),
        bundle=bundle.name,
        channels=channels,
        length=length,
        cycles=total,
        tokens_per_second=1 / _seconds(total),
        inside_bytes=sum(gemv.inside_bytes for gemv in products),
        outside_bytes=sum(gemv.outside_bytes for gemv in products),
        weight_bytes=weights,
        stored_bytes=stored,
        bank_rows=sum(gemv.bank_rows for gemv in products),
        most_bank_rows=GEOMETRY.rows,
        roof_tokens_per_second=inside_bytes_per_second(channels) / weights,
        bus_tokens_per_second=bus / weights,
        bus_stored_tokens_per_second=bus / stored,
        stays_share_macs=left_macs / (left_macs + macs),
        stays_share_bytes=left_bytes / (left_bytes + stored),
        steps=tuple(
            Step(g.rows, g.columns, count, taken[g], _share(g, taken[g]))
            for g, count in sorted(counted.items(), key=lambda each: -each[1] * taken[each[0]])
        ),
        stays=stays,
        energy=_energy(),
        assumptions=(*_assumptions(), *_decode_assumptions()),
    )


def _share(gemv: Gemv, taken: int) -> float:
    return 2 * gemv.macs / _seconds(taken) / peak_flops(gemv.channels)


def _seconds(taken: int) -> float:
    return taken * TIMING.cycle_ps * 1e-12


def _device() -> str:
    return say("aim (simulated)", "aim(모의)")


def _stays(work: Work, head_dim: int, row_bytes: int, length: int) -> tuple[Stay, ...]:
    return (
        Stay(
            say("attention", "어텐션"),
            say(
                "its keys and values change with every token and it needs a softmax",
                "키와 값이 토큰마다 바뀌고 소프트맥스가 필요함",
            ),
            work.attention_macs(head_dim, length),
            work.cache_bytes(row_bytes, length),
        ),
        Stay(
            say("norms and activations", "정규화와 활성 함수"),
            say(
                "vectors with roots and divisions; the banks only multiply and add",
                "제곱근과 나눗셈이 있는 벡터 연산. 뱅크는 곱하고 더하기만 함",
            ),
            0,
            work.norm_bytes,
        ),
        Stay(
            say("embedding lookup", "임베딩 조회"),
            say("one row is read, nothing is multiplied", "한 행을 읽을 뿐 곱셈이 없음"),
            0,
            work.lookup_bytes,
        ),
    )


def _energy() -> str:
    return say(
        "no figure: no published energy of these commands was found to cite, and the simulator's "
        "own power script names no source",
        "수치 없음: 이 명령들의 에너지를 밝힌 인용할 자료를 찾지 못했고 시뮬레이터의 전력 계산 "
        "스크립트에도 출처가 없음",
    )


def _assumptions() -> tuple[str, ...]:
    return (
        say(
            f"sizes and delays of {SOURCE}, 1 ns a cycle; equal to that simulator, not to silicon",
            f"크기와 지연은 {SOURCE}의 값, 한 사이클 1 ns. 그 시뮬레이터와 같을 뿐 실제 칩이 아님",
        ),
        say("no refresh", "리프레시 없음"),
        say(
            f"roofs: {GEOMETRY.lanes} products a bank every {TIMING.nCCD} cycles, half of the "
            f"vendor's headline; {outside_bytes_per_second(1) / 1e9:.0f} GB/s a channel over the "
            "bus, without a pause",
            f"한계: 뱅크마다 {TIMING.nCCD}사이클에 곱셈 {GEOMETRY.lanes}번(제조사 대표 수치의 "
            f"절반), 버스는 채널당 쉬지 않고 초당 {outside_bytes_per_second(1) / 1e9:.0f} GB",
        ),
        say(
            "weights are already in the banks, in BF16; every channel does the same",
            "가중치는 이미 BF16으로 뱅크에 있고 모든 채널이 같은 일을 함",
        ),
        say(
            "the vector reaches the memory controller at 32 bytes a cycle, however many registers "
            "that takes; the host's own link is not timed",
            "벡터는 레지스터 수에 상관없이 메모리 컨트롤러에 사이클당 32바이트로 들어오고, "
            "호스트와의 전송 시간은 세지 않음",
        ),
    )


def _decode_assumptions() -> tuple[str, ...]:
    return (
        say(
            "products run one after another, each from its trace's first line to its end",
            "행렬 곱은 하나씩 차례로, 저마다 트레이스의 첫 줄부터 끝까지 실행",
        ),
        say(
            "what stays on the processor takes no time here, so tokens/s is an upper bound",
            "프로세서에 남는 일의 시간은 0으로 두었으므로 초당 토큰은 상한임",
        ),
        say(
            "multiplications of norms and activations are not counted",
            "정규화와 활성 함수의 곱셈은 세지 않음",
        ),
    )
