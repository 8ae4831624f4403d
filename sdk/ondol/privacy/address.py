"""Addresses by road (도로명) and by lot (지번), and homes within a complex.

Forms: 도로명주소법 and 주소정보시스템. An area alone, without a building's number, is none.
"""

import re
from collections.abc import Iterator

from ondol.privacy.found import Found
from ondol.privacy.places import AREAS, PROVINCES

_COUNTERS = (
    r"(?![\d.%])(?!-\d)(?! ?(?:시간|분|초|개|명|년|월|일(?!대)|원|번(?!지|길)|건|배|위|회|점|차|"
    r"시|km|m|kg|℃|도|주|"
    r"단계|퍼센트|만|억|천|페이지|쪽|장|세대|가구|대|곳|살|세|인분|호선|번째|미터|킬로))"
)
_AREA = rf"(?:(?P<province>{PROVINCES}) ?)?(?P<areas>(?:[가-힣]{{1,5}}[시군구] ?){{0,3}})"
_TOWN = r"(?:[가-힣]{1,5}[읍면] ?)?"
_ROAD = r"[가-힣][가-힣A-Za-z0-9·]{0,11}?(?:대로|로|길)(?: ?\d{1,4}(?:번|가|나|다|라)?[길로])?"
_LOT = r"(?:[가-힣]{1,6}\d{0,2}(?:동|읍|면|리|가) ?){1,3}(?:산 ?)?"
_NUMBER = r"\d{1,5}(?:-\d{1,4})?(?:번지)?"
_COMPLEX = (
    r"아파트|빌라|빌딩|타워|오피스텔|맨션|하이츠|연립|주택|상가|타운|팰리스|캐슬|마을|단지|APT"
)
_HOME = r"제?\d{1,4}동,? ?제?\d{1,5}호"
_REST = (
    rf"(?:,? ?(?:[가-힣A-Za-z0-9]{{0,14}}(?:{_COMPLEX}),? ?)?"
    rf"(?:{_HOME}|제?\d{{1,4}}동(?![가-힣])|(?:지하 ?|B)?\d{{1,3}}층(?:,? ?[A-Z]?\d{{1,5}}호)?|"
    r"[A-Z]?\d{1,5}호))?"
    r"(?: ?\([가-힣][가-힣0-9,·A-Za-z ]{1,30}\))?"
)
_START = r"(?<![가-힣A-Za-z0-9])"

_BY_ROAD = re.compile(
    rf"{_START}{_AREA}{_TOWN}(?P<road>{_ROAD}) ?(?:지하 ?)?{_NUMBER}{_COUNTERS}{_REST}"
)
_BY_LOT = re.compile(rf"{_START}{_AREA}(?P<lot>{_LOT})(?P<number>{_NUMBER}){_COUNTERS}{_REST}")
_WITHIN = re.compile(
    rf"{_START}(?P<name>[가-힣A-Za-z0-9]{{1,14}}(?:{_COMPLEX}|자이|푸르지오|래미안|"
    rf"힐스테이트),? ?)?"
    rf"{_HOME}"
)
_CALLED = re.compile(
    r"주소|배송|거주|사는 ?곳|사는|살고|살아|자택|소재|도로명|지번|받는 ?곳|수령지|이사|본적|"
    r"집은|집이|방문"
)
_BEFORE = 20


def find(text: str) -> Iterator[Found]:
    """Addresses down to a building or a home."""
    for match in _BY_ROAD.finditer(text):
        yield from _judged(text, match, alone=0.35)
    for match in _BY_LOT.finditer(text):
        exact = "-" in match["number"] or "번지" in match["number"]
        yield from _judged(text, match, alone=0.4 if exact else 0.2)
    for match in _WITHIN.finditer(text):
        base = 0.75 if match["name"] else 0.45
        if _called(text, match.start()):
            base += 0.2
        yield Found("address", match.start(), match.end(), round(base, 2))


def _judged(text: str, match: re.Match[str], *, alone: float) -> Iterator[Found]:
    areas = match["areas"].split()
    known = [area for area in areas if area in AREAS]
    start = match.start()
    if len(known) < len(areas):  # a word that only ends like one, or an area that is not known
        if not known and not match["province"]:
            start = match.start("areas") + len(match["areas"])
        known = known[-1:]
    if match["province"] and known:
        confidence = 0.95
    elif match["province"] or known:
        confidence = 0.85
    else:
        confidence = alone
    if _called(text, start):
        confidence = max(confidence, 0.75)
    yield Found("address", start, _end(text, match), confidence)


def _end(text: str, match: re.Match[str]) -> int:
    end = match.end()
    while text[end - 1] in " ,":
        end -= 1
    return end


def _called(text: str, start: int) -> bool:
    return bool(_CALLED.search(text[max(0, start - _BEFORE) : start]))
