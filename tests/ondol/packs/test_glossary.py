"""Whether a question asks what a term means."""

import pytest

from ondol.packs.glossary import asked_term


@pytest.mark.parametrize(
    ("question", "term"),
    [
        ("금리가 뭐예요?", "금리"),
        ("기준금리란 무엇인가요", "기준금리"),
        ("'기준금리'의 뜻을 알려 주세요.", "기준금리"),
        ("기준 금리?", "기준금리"),
        ("DSR이라는 말은 무슨 뜻이죠", "DSR"),
        ("금리가 오르면 왜 집값이 내리나요?", None),
        ("어제 금리", None),
        ("", None),
    ],
)
def test_a_term_is_asked_for_by_its_meaning(question: str, term: str | None) -> None:
    assert asked_term(question, {"금리": "가", "기준금리": "나", "DSR": "다"}) == term
