"""What personal data there is, and where it was found."""

from dataclasses import dataclass
from typing import Literal, get_args

from ondol.errors import OptionError
from ondol.language import say

Kind = Literal[
    "account",
    "address",
    "business-number",
    "card",
    "driver-licence",
    "email",
    "foreigner-number",
    "ip-address",
    "name",
    "passport",
    "phone",
    "plate",
    "resident-number",
]

KINDS: tuple[Kind, ...] = get_args(Kind)

TITLES: dict[Kind, tuple[str, str]] = {
    "account": ("account", "계좌번호"),
    "address": ("address", "주소"),
    "business-number": ("business number", "사업자등록번호"),
    "card": ("card", "카드번호"),
    "driver-licence": ("driver's licence", "운전면허번호"),
    "email": ("e-mail", "이메일"),
    "foreigner-number": ("foreigner number", "외국인등록번호"),
    "ip-address": ("IP address", "IP주소"),
    "name": ("name", "이름"),
    "passport": ("passport", "여권번호"),
    "phone": ("phone", "전화번호"),
    "plate": ("number plate", "차량번호"),
    "resident-number": ("resident number", "주민등록번호"),
}
"""What each kind is called, in English and Korean."""


@dataclass(frozen=True, slots=True)
class Found:
    """Personal data in a text: characters `start` to `end` of the text as it was given.

    `confidence` is 0 to 1: how sure the rule is by form, check digit and the words around. It
    orders and cuts; it is no probability.
    """

    kind: Kind
    start: int
    end: int
    confidence: float


def title(kind: Kind) -> str:
    """What a kind is called, in the user's language."""
    return say(*TITLES[kind])


def kind(name: str) -> Kind:
    """A kind by its name.

    Raises:
        OptionError: if there is none of that name; lists those there are.
    """
    for each in KINDS:
        if each == name:
            return each
    raise OptionError(
        say(f"There is no kind {name!r}.", f"{name!r} 종류는 없습니다."),
        say("Personal data comes in kinds.", "개인정보는 종류별로 찾습니다."),
        say(
            f"Choose of these: {', '.join(KINDS)}.", f"이 가운데에서 고르세요: {', '.join(KINDS)}."
        ),
    )
