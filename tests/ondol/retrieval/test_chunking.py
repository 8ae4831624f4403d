"""Chunks: whole sentences below one heading, that overlap, and are the document's own text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ondol.retrieval.chunking import OVERLAP, SIZE, chunks
from ondol.retrieval.document import Block, Document, clean
from ondol.retrieval.sentences import by_rule

SENTENCE = "온돌은 바닥을 데워 방 전체를 따뜻하게 하는 우리나라의 난방이다."


def document(*blocks: Block) -> Document:
    return Document("제목", blocks)


def test_chunks_hold_whole_sentences_and_share_one() -> None:
    text = " ".join(f"{number}번째로 {SENTENCE}" for number in range(30))
    found = list(chunks(document(Block(text, ("가",), 3)), split=by_rule))
    assert all(len(each.text) <= SIZE and each.page == 3 for each in found)
    assert all(each.text.endswith("이다.") and "번째로" in each.text[:6] for each in found)
    for one, two in zip(found, found[1:], strict=False):
        assert one.start < two.start < one.end < two.end
        assert one.end - two.start <= OVERLAP


def test_headings_are_no_chunks_and_part_sections() -> None:
    found = list(
        chunks(
            document(
                Block("가", ("가",)), Block("첫 글이다.", ("가",)), Block("나", ("가", "나")),
                Block("둘째 글이다.", ("가", "나")), Block("셋째 글이다.", ("가", "나")),
            ),
            split=by_rule,
        )
    )  # fmt: skip
    assert [(each.text, each.headings) for each in found] == [
        ("첫 글이다.", ("가",)),
        ("둘째 글이다.\n셋째 글이다.", ("가", "나")),
    ]


blocks = st.lists(
    st.builds(
        Block,
        st.text(st.sampled_from("가나다. 라\n마?abc"), max_size=900).map(clean).filter(bool),
        st.sampled_from([(), ("가",), ("가", "나")]),
        st.sampled_from([None, 1, 2]),
    ),
    max_size=5,
)


@given(blocks)
def test_nothing_is_lost_and_places_hold(made: list[Block]) -> None:
    whole = document(*made)
    covered = set[int]()
    for each in chunks(whole, split=by_rule):
        assert each.text == whole.text[each.start : each.end] and 0 < len(each.text) <= SIZE
        covered.update(range(each.start, each.end))
    at = 0
    for block in made:
        if not block.headings or block.text != block.headings[-1]:
            for place in range(at, at + len(block.text)):
                assert whole.text[place].isspace() or place in covered
        at += len(block.text) + 1


def test_equal_passages_are_known_by_their_digest() -> None:
    one, two = (
        list(chunks(document(Block(SENTENCE, headings)), split=by_rule))[0]
        for headings in (("가",), ("나",))
    )
    again = list(chunks(document(Block(SENTENCE, ("가",), 9)), split=by_rule))[0]
    assert one.digest == again.digest != two.digest


@pytest.mark.parametrize("size", [20, 50])
def test_a_long_sentence_is_cut_between_words(size: int) -> None:
    text = " ".join(["온돌"] * 100)
    for each in chunks(document(Block(text)), size=size, overlap=0, split=by_rule):
        assert len(each.text) <= size and set(each.text.split()) == {"온돌"}
