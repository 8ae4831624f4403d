from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ondol.errors import OptionError
from ondol.stream import StopStrings, TextStream
from ondol.tokenizer import Tokenizer
from ondol_converters.tokenizers import from_vocabulary
from tokenizer_maker import bytelevel, sentencepiece


@pytest.fixture(autouse=True, scope="module")
def english() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONDOL_LANG", "en")
        yield


SPM = sentencepiece(space_prefix=True)
BYTES = bytelevel()
TOKENIZERS = [
    Tokenizer(from_vocabulary(sentencepiece()).json),
    Tokenizer(from_vocabulary(SPM).json),
    Tokenizer(from_vocabulary(BYTES).json),
]
FIRST_BYTE = SPM.tokens.index("<0x00>")


class Pieces:
    """A tokenizer whose tokens are any bytes at all."""

    strips_space = False

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    def token_bytes(self, token: int) -> bytes:
        return self.pieces[token]


def streamed(tokenizer: Tokenizer, ids: list[int]) -> str:
    stream = TextStream(tokenizer)
    return "".join([*map(stream.push, ids), stream.finish()])


def test_every_syllable_cut_anywhere_and_cancelled_anywhere() -> None:
    for code in range(0xAC00, 0xD7A4):
        syllable = chr(code)
        raw = f"a{syllable}b".encode()
        for first in range(len(raw) + 1):
            for second in range(first, len(raw) + 1):
                stream = TextStream(Pieces(raw[:first], raw[first:second], raw[second:]))
                shown = [stream.push(0), stream.push(1)]
                # Cancelled here: what was shown is whole, and half a syllable is dropped.
                assert "".join(shown) == raw[:second].decode("utf-8", "ignore")
                shown += [stream.push(2), stream.finish()]
                assert "".join(shown) == f"a{syllable}b"


def test_every_syllable_through_byte_tokens() -> None:
    tokenizer = TOKENIZERS[1]
    for code in range(0xAC00, 0xD7A4):
        syllable = chr(code)
        ids = [FIRST_BYTE + byte for byte in syllable.encode()]
        for end in range(4):
            assert streamed(tokenizer, ids[:end]) == (syllable if end == 3 else "")
        assert tokenizer.decode(ids) == syllable


@given(st.data(), st.sampled_from(TOKENIZERS))
def test_the_stream_is_the_batch(data: st.DataObject, tokenizer: Tokenizer) -> None:
    ids = data.draw(st.lists(st.integers(0, tokenizer.size + 5), max_size=40))
    whole = streamed(tokenizer, ids)
    assert whole == tokenizer.decode(ids)
    assert "\ufffd" not in whole


@given(st.lists(st.binary(max_size=5), max_size=12))
def test_any_bytes_stream_as_they_decode(pieces: list[bytes]) -> None:
    stream = TextStream(Pieces(*pieces))
    shown = "".join(stream.push(number) for number in range(len(pieces))) + stream.finish()
    assert shown == b"".join(pieces).decode("utf-8", "ignore")


@given(st.text(max_size=40))
def test_text_comes_back(text: str) -> None:
    pieces, _, levels = TOKENIZERS
    ids = pieces.encode(text, normalise=False)
    assert streamed(pieces, ids) == text.replace("▁", " ")
    ids = levels.encode(text, normalise=False)
    assert streamed(levels, ids) == text


def expected(text: str, stops: list[str]) -> tuple[str, str | None]:
    """The stop that is complete first, the longest of those; tried at every place."""
    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if text[:end].endswith(stop)]
        if found:
            stop = max(found, key=len)
            return text[: end - len(stop)], stop
    return text, None


@given(
    st.lists(st.text("ab가", max_size=4), max_size=12),
    st.lists(st.text("ab가", min_size=1, max_size=4), max_size=4),
)
def test_stops_across_token_borders(pieces: list[str], stops: list[str]) -> None:
    watch = StopStrings(stops)
    shown = "".join(map(watch.push, pieces)) + watch.finish()
    assert (shown, watch.stopped) == expected("".join(pieces), stops)


def test_only_what_may_become_a_stop_is_held() -> None:
    watch = StopStrings(["###", "끝."])
    assert [watch.push(part) for part in ("가#", "#나", "끝", "은", "끝", ".뒤")] == [
        "가",
        "##나",
        "",
        "끝은",
        "",
        "",
    ]
    assert watch.stopped == "끝."
    assert (watch.push("더"), watch.finish()) == ("", "")


def test_stops_are_composed_as_replies_are() -> None:
    watch = StopStrings(["\u1100\u1161"])
    assert (watch.push("나가"), watch.stopped) == ("나", "가")


def test_no_stops_hold_nothing_back() -> None:
    assert StopStrings().push("가") == "가"


def test_an_empty_stop_is_refused() -> None:
    with pytest.raises(OptionError, match="empty"):
        StopStrings(["가", ""])
