"""Whether a question asks what a term means, and which."""

import re
import unicodedata
from collections.abc import Mapping

_PUNCTUATION = re.compile(r"[\s?!.,;:'\"“”‘’「」『』()]+")
_ASKING = re.compile(
    r"(?:이란|란|이라는|라는|이라고|이|가|은|는|의|을|를)?(?:말|단어|용어|것|게)?(?:은|는|이|가)?"
    r"(?:(?:정확히|도대체|대체)?(?:무엇|무슨|뭐|뭔|뜻|의미|개념|정의|설명|알려|가르쳐).{0,40})?"
)


def squeezed(text: str) -> str:
    """A text in NFC without blanks and punctuation, in lower case."""
    return _PUNCTUATION.sub("", unicodedata.normalize("NFC", text)).lower()


def asked_term(question: str, glossary: Mapping[str, str]) -> str | None:
    """The term whose meaning a question asks for; the longest of several."""
    asked = squeezed(question)
    found = [
        term
        for term in glossary
        if asked.startswith(bare := squeezed(term)) and _ASKING.fullmatch(asked[len(bare) :])
    ]
    return max(found, key=len, default=None)
