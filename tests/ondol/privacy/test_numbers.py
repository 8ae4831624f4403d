"""Every kind of number: its forms, its check digits, its spellings, and what only looks like it.

The numbers are invented; see tests/fixtures/privacy/README.md.
"""

import unicodedata
from collections.abc import Callable

import pytest

from ondol.privacy import Kind, find
from ondol.privacy.business import checks as business_checks
from ondol.privacy.card import luhn
from ondol.privacy.resident import born, checks


def only(text: str, at_least: float = 0.5) -> tuple[Kind, str, float]:
    """The one finding in a text."""
    (found,) = find(text, at_least=at_least)
    return found.kind, text[found.start : found.end], found.confidence


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("resident-number", "주민번호 850302-1970018", "850302-1970018"),
        ("resident-number", "주민번호 8503021970018 확인", "8503021970018"),
        ("resident-number", "850302 - 1970018", "850302 - 1970018"),
        ("resident-number", "주민번호 8 5 0 3 0 2 1 9 7 0 0 1 8", "8 5 0 3 0 2 1 9 7 0 0 1 8"),
        ("foreigner-number", "외국인등록번호 910630-6980061", "910630-6980061"),
        ("passport", "여권번호 M00012345", "M00012345"),
        ("passport", "여권번호 M000A0012", "M000A0012"),
        ("driver-licence", "11-00-012345-67", "11-00-012345-67"),
        ("driver-licence", "면허번호 110001234567", "110001234567"),
        ("driver-licence", "면허 서울 05-012345-01", "서울 05-012345-01"),
        ("business-number", "017-86-09599", "017-86-09599"),
        ("business-number", "사업자등록번호 0178609599", "0178609599"),
        ("phone", "010-0123-4567", "010-0123-4567"),
        ("phone", "01001234567", "01001234567"),
        ("phone", "+82 10 0123 4567", "+82 10 0123 4567"),
        ("phone", "+82-(0)10-0123-4567", "+82-(0)10-0123-4567"),
        ("phone", "02-012-3456", "02-012-3456"),
        ("phone", "(031)012-3456", "(031)012-3456"),
        ("phone", "1588-0000", "1588-0000"),
        ("phone", "0502-0123-4567", "0502-0123-4567"),
        ("phone", "번호는 공일공 공삼이일 사오육칠", "공일공 공삼이일 사오육칠"),
        ("card", "4111-1111-1111-1111", "4111-1111-1111-1111"),
        ("card", "카드 3782-822463-10005", "3782-822463-10005"),
        ("card", "카드 4111111111111111", "4111111111111111"),
        ("account", "국민은행 000102-04-123456", "000102-04-123456"),
        ("account", "110-000-987654 (신한은행)", "110-000-987654"),
        ("account", "입금 계좌 00010204123456", "00010204123456"),
        ("email", "a.b+c@example.co.kr", "a.b+c@example.co.kr"),
        ("plate", "12가0345", "12가0345"),
        ("plate", "서울 32바 0123", "서울 32바 0123"),
        ("ip-address", "접속 203.0.113.27", "203.0.113.27"),
        ("ip-address", "접속 2001:db8::8:800:200c:417a", "2001:db8::8:800:200c:417a"),
    ],
)
def test_every_form_is_found_where_it_is(kind: Kind, text: str, value: str) -> None:
    assert only(text)[:2] == (kind, value)
    for form in ("NFC", "NFD"):
        whole = unicodedata.normalize(form, f"가나다 {text}.")
        seen = only(whole)
        assert seen[0] == kind and seen[1] == unicodedata.normalize(form, value)


FULL = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})


@pytest.mark.parametrize(
    "number", ["850302-1970018", "010-0123-4567", "4111-1111-1111-1111", "017-86-09599"]
)
@pytest.mark.parametrize(
    "spelt",
    [
        lambda number: number.translate(FULL),
        lambda number: "\u200b".join(number),
        lambda number: "\u2060\ufeff".join(number),
        lambda number: number.replace("-", "–"),
        lambda number: number.replace("-", "\u2011"),
        lambda number: number.replace("-", "ㅡ"),
        lambda number: number.replace("-", "\u00a0"),
        lambda number: "\u0336".join(number),  # struck through
        lambda number: number.translate({0x30 + n: 0x0660 + n for n in range(10)}),
    ],
    ids=["full", "zwsp", "joiner", "dash", "hyphen", "eu", "nbsp", "struck", "arabic"],
)
def test_no_spelling_hides_a_number(number: str, spelt: Callable[[str], str]) -> None:
    value = spelt(number)
    assert only(f"번호: {value}입니다", 0.4)[1].startswith(value.rstrip("\u0336"))


def test_check_digits() -> None:
    assert checks("8503021970018") and not checks("8503021970019")
    assert checks("9106306980061") and not checks("9106306980069")
    assert business_checks("0178609599") and not business_checks("0178609598")
    assert luhn("4111111111111111") and not luhn("4111111111111112")


def test_a_check_digit_raises_confidence_and_since_2020_there_is_none() -> None:
    right, wrong = only("850302-1970018")[2], only("850302-1970019")[2]
    late = only("220901-4990043")[2]
    assert wrong < late < right
    assert only("주민번호 850302-1970019")[2] >= 0.9
    assert find("4111-1111-1111-1112") == ()
    assert only("카드번호 4111-1111-1111-1112")[2] < only("카드번호 4111-1111-1111-1111")[2]


@pytest.mark.parametrize("digits", ["8513021970018", "8502301970018", "9912317970018"])
def test_digits_that_are_no_birthday_are_no_resident_number(digits: str) -> None:
    assert born(digits) is None
    assert find(f"주민번호 {digits[:6]}-{digits[6:]}", ["resident-number"]) == ()


@pytest.mark.parametrize(
    "text",
    [
        "주문번호 20240315-0012345",
        "법인등록번호 110111-1234567",
        "2024-03-15 14:30:25",
        "버전 2.10.3.1",
        "가격 12,900원, 10조 5000억",
        "위도 37.5665, 경도 126.9780",
        "1592년에서 1598년",
        "송장번호 6123-4567-8901",
        "ISBN 979-11-6224-123-4",
        "바코드 8801234567893",
        "타임스탬프 1700000000000",
        "상품권 1234-5678-9012-3456",
        "티켓 번호 M12345678",
        "관리번호 12-34-567890-12",
        "101호 2024년",
        "12:30:45",
        "std::vector",
        "report@2024.pdf",
        "3.14159265358979",
        "내선 1234",
    ],
)
def test_what_only_looks_like_one_is_not_found(text: str) -> None:
    assert find(text) == ()


def test_a_word_close_by_decides_between_kinds() -> None:
    assert only("신한은행 110-000-123456")[0] == "account"
    assert find("관리번호 110-000-123456") == ()
    assert only("계좌 말고 연락처 02-0123-4567")[0] == "phone"
