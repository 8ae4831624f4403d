"""How fast one bundle runs on one device: rounds of the same work, and their medians."""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.errors import OptionError
from ondol.language import say
from ondol.memory import peak_resident_bytes
from ondol.plan import usable_cores
from ondol.runtime import DecoderSession

Progress = Callable[[int, int], None]
"""Called with rounds done and rounds in all."""

TEXT = (
    "겨울이 오면 사람들은 따뜻한 아랫목에 모여 앉아 이야기를 나누었다. 아궁이에 불을 지피면 더운 "
    "기운이 구들장 밑을 지나 방바닥을 천천히 데웠고, 한번 데워진 돌은 밤새 식지 않았다. 요즘 집은 "
    "더운물이 흐르는 관을 바닥에 묻어 같은 일을 한다. 방법은 달라졌어도 바닥에서 올라오는 온기를 "
    "좋아하는 마음은 그대로다. "
)
"""Korean prose of our own: the prompt, repeated as often as needed."""

TURN_TOKENS = 32
BANDWIDTH_BYTES = 256 << 20
BANDWIDTH_ROUNDS = 5
HEADS = ("output.weight", "lm_head.weight")
EMBEDDINGS = ("token_embd.weight", "model.embed_tokens.weight")


@dataclass(frozen=True, slots=True)
class Work:
    """What a round does: a prompt of so many tokens, then so many tokens one by one.

    `memory` are the bytes that the process may take; None: what the system allows.
    """

    device: str = "cpu"
    threads: int | None = None
    rounds: int = 5
    prompt_tokens: int = 256
    decode_tokens: int = 64
    memory: int | None = None

    @property
    def turn_tokens(self) -> int:
        """Tokens of what is taken for a second turn: a question, or half where there is less."""
        return min(TURN_TOKENS, (self.prompt_tokens + self.decode_tokens) // 2)

    def __post_init__(self) -> None:
        for name, value in (
            ("rounds", self.rounds),
            ("prompt_tokens", self.prompt_tokens),
            ("decode_tokens", self.decode_tokens),
        ):
            if not 1 <= value <= 1 << 20:
                raise OptionError(
                    say(
                        f"{name} cannot be {value}.", f"{name} 값으로 {value}을(를) 쓸 수 없습니다."
                    ),
                    "",
                    say("Choose 1 or more.", "1 이상으로 고르세요."),
                )


@dataclass(frozen=True, slots=True)
class Round:
    """One round: seconds to open the bundle, to run the prompt, and to decode.

    Then those until the first token of an answer to the last `Measurement.turn_tokens` of all
    that: where the cache holds what came before, and cold, where it is empty.
    """

    load_seconds: float
    prefill_seconds: float
    decode_seconds: float
    second_turn_seconds: float
    cold_turn_seconds: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """Medians over the rounds. Rates per second, sizes in bytes, times in seconds.

    `characters_rate` is the decode rate times the characters that a token of Korean prose has,
    so that models with different tokenizers compare. `first_token_seconds` runs from opening
    the bundle to the first token of the answer. `bytes_per_token` are the weights that decoding
    one token reads; `read_bandwidth` is what the same number of threads reads from memory with
    numpy, and `bandwidth_share` how much of that decoding reached. A second turn has
    `turn_tokens` after `history_tokens`; `second_turn_share` is its time to the first token as a
    share of a cold one's.
    """

    model: str
    device: str
    threads: int
    prompt_tokens: int
    decode_tokens: int
    prefill_rate: float
    decode_rate: float
    characters_rate: float
    load_seconds: float
    first_token_seconds: float
    peak_resident_bytes: int
    size_bytes: int
    bytes_per_token: int
    read_bandwidth: float
    bandwidth_share: float
    history_tokens: int
    turn_tokens: int
    second_turn_seconds: float
    cold_turn_seconds: float
    second_turn_share: float
    rounds: tuple[Round, ...]


def measure(bundle: Bundle, work: Work, progress: Progress | None = None) -> Measurement:
    """Run the rounds of `work`, each on a freshly opened bundle.

    Raises:
        OptionError: if prompt and answer do not fit the bundle's context.
        BundleError, DeviceError: if the bundle cannot be opened.
    """
    _fitting(bundle, work)
    rounds: list[Round] = []
    characters = 0.0
    for done in range(work.rounds):
        if progress:
            progress(done, work.rounds)
        made, characters = _round(bundle, work)
        rounds.append(made)
    peak = peak_resident_bytes()  # before the bandwidth's own buffers
    threads = work.threads or usable_cores()
    bandwidth = read_bandwidth(threads)
    if progress:
        progress(work.rounds, work.rounds)
    decode = statistics.median(work.decode_tokens / r.decode_seconds for r in rounds)
    read = bytes_per_token(bundle)
    return Measurement(
        model=bundle.name,
        device=work.device,
        threads=threads,
        prompt_tokens=work.prompt_tokens,
        decode_tokens=work.decode_tokens,
        prefill_rate=statistics.median(work.prompt_tokens / r.prefill_seconds for r in rounds),
        decode_rate=decode,
        characters_rate=decode * characters,
        load_seconds=statistics.median(r.load_seconds for r in rounds),
        first_token_seconds=statistics.median(r.load_seconds + r.prefill_seconds for r in rounds),
        peak_resident_bytes=peak,
        size_bytes=bundle.size,
        bytes_per_token=read,
        read_bandwidth=bandwidth,
        bandwidth_share=read * decode / bandwidth,
        history_tokens=work.prompt_tokens + work.decode_tokens - work.turn_tokens,
        turn_tokens=work.turn_tokens,
        second_turn_seconds=statistics.median(r.second_turn_seconds for r in rounds),
        cold_turn_seconds=statistics.median(r.cold_turn_seconds for r in rounds),
        second_turn_share=statistics.median(
            r.second_turn_seconds / r.cold_turn_seconds for r in rounds
        ),
        rounds=tuple(rounds),
    )


def bytes_per_token(bundle: Bundle) -> int:
    """Bytes of weights that decoding one token reads: every matrix, less a separate embedding.

    Of an embedding that is no output matrix too, a token reads one row.
    """
    records = bundle.manifest.recipe.matrices
    apart = any(record.name in HEADS for record in records)
    return sum(r.bytes for r in records if not (apart and r.name in EMBEDDINGS))


def read_bandwidth(threads: int, size: int = BANDWIDTH_BYTES) -> float:
    """Bytes per second that threads read from memory together, the best of a few passes.

    Each thread multiplies its share of a float32 matrix, far larger than any cache, with a vector:
    the fastest reader among those tried, so that no share of it flatters us.
    """
    import numpy as np

    columns = 4096
    matrix = np.ones((max(size // 4 // columns, threads), columns), np.float32)
    vector = np.ones(columns, np.float32)
    parts = np.array_split(matrix, threads)
    best = 0.0
    with ThreadPoolExecutor(threads, "ondol-bench") as pool:
        for _ in range(BANDWIDTH_ROUNDS):
            start = time.perf_counter()
            list(pool.map(vector.dot, [part.T for part in parts]))
            best = max(best, matrix.nbytes / _since(start))
    return best


def _fitting(bundle: Bundle, work: Work) -> None:
    longest, wanted = bundle.decoder.context, work.prompt_tokens + work.decode_tokens
    if wanted > longest:
        raise OptionError(
            say(
                f"{wanted} tokens do not fit {bundle.name}.",
                f"{wanted}토큰은 {bundle.name}에 들어가지 않습니다.",
            ),
            say(f"Its context holds {longest}.", f"문맥에는 {longest}토큰까지 들어갑니다."),
            say(
                "Lower --prompt-tokens or --decode-tokens.",
                "--prompt-tokens나 --decode-tokens를 줄이세요.",
            ),
        )


def _round(bundle: Bundle, work: Work) -> tuple[Round, float]:
    """One round, and how many characters a token of the prompt has."""
    start = time.perf_counter()
    with Engine.open(
        bundle, device=work.device, threads=work.threads, memory=work.memory
    ) as engine:
        load = _since(start)
        session, tokenizer = engine.session, engine.tokenizer
        once = tokenizer.encode(TEXT)
        bos = [] if tokenizer.bos is None else [tokenizer.bos]
        prompt = [*bos, *once * (work.prompt_tokens // len(once) + 1)][: work.prompt_tokens]
        start = time.perf_counter()
        token = int(session.append(prompt).argmax())
        prefill = _since(start)
        start = time.perf_counter()
        for _ in range(work.decode_tokens):
            prompt.append(token)
            token = int(session.append([token]).argmax())
        decode = _since(start)
        history = len(prompt) - work.turn_tokens
        second, cold = _turn(session, prompt, history), _turn(session, prompt, 0)
        return Round(load, prefill, decode, second, cold), len(TEXT) / len(once)


def _turn(session: DecoderSession, ids: list[int], kept: int) -> float:
    """Seconds until the first token after `ids`, of which the cache holds the first `kept`."""
    session.rewind(kept)
    start = time.perf_counter()
    session.append(ids[kept:]).argmax()
    return _since(start)


def _since(start: float) -> float:
    """Seconds since then, never zero."""
    return max(time.perf_counter() - start, 1e-9)
