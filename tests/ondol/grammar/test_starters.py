"""The starters' own vocabularies: 262,144 pieces with byte fallback, and byte-level BPE."""

import unicodedata
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from ondol.engine import Engine
from ondol.errors import CutShort
from ondol.grammar import Json, extract
from ondol.reply import Limits
from weights import starter_bundle

pytestmark = pytest.mark.weights


@dataclass
class Review:
    분위기: Annotated[Literal["긍정", "부정", "중립"], "글쓴이의 느낌"]
    점수: Annotated[Literal[1, 2, 3, 4, 5], "높을수록 좋음"]


@pytest.mark.parametrize("name", ["gemma", "qwen"])
def test_a_review_is_read(name: str) -> None:
    with Engine.open(starter_bundle(name), context=512, spin=False) as engine:
        review = extract(engine, "방바닥이 따뜻해서 정말 좋았어요.", Review)
        assert review.분위기 in ("긍정", "부정", "중립") and review.점수 in range(1, 6)
        with pytest.raises(CutShort) as cut:
            long = {"type": "string", "minLength": 100}
            extract(engine, "온돌", long, limits=Limits(max_tokens=20))
        assert cut.value.text.startswith('"') and cut.value.finish == "length"
        assert unicodedata.is_normalized("NFC", cut.value.text)
        rare = "뷁쀍힣 ㅋㅋ 漢字 👍🏽"
        reply = engine.reply("말: ", constraint=Json({"const": rare}))
        assert reply.read() == f'"{rare}"'
