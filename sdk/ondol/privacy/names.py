"""Names of people: a surname, a given name, and words around that say a person is meant.

Without a model that tags names this is a lexicon with context: usual given names are found
anywhere, unusual ones where a title, a form's label or a particle for persons stands by.
"""

import re
from collections.abc import Iterator

from ondol.privacy.found import Found
from ondol.privacy.given_names import (
    FIRST_SYLLABLES,
    GIVEN_NAMES,
    LAST_SYLLABLES,
    LONG_SURNAMES,
    SINGLE_SYLLABLES,
    SURNAMES,
    USUAL_SURNAMES,
)
from ondol.privacy.no_names import NO_NAMES

_ADDRESSED = "씨|님|군|양"
_ROLES = (
    "선생님|선생|교수님?|박사님?|대표님?|대표이사|사장님?|회장님?|부장님?|차장님?|과장님?|"
    "대리님?|사원|주임님?|팀장님?|"
    "실장님?|본부장님?|센터장|이사님?|상무님?|전무님?|원장님?|소장님?|관장님?|국장님?|의원님?|"
    "시장님?|기자님?|작가님?|"
    "감독님?|코치님?|변호사님?|회계사|세무사|노무사|법무사|의사|간호사님?|약사님?|조교님?|"
    "강사님?|교사|매니저님?|"
    "환자분?|고객님?|학생|어르신|할머니|할아버지|주무관님?|사무관|형사|경위|순경|판사|검사|배우|"
    "가수|선수|팀원|사외이사|"
    "기사님?|총무님?|위원장?|이장님?|반장님?|아나운서|연구원|책임|수석|선임|프로님?|셰프|"
    "디자이너|간사|집사님?|목사님?"
)
_PERSONS = "에게서?는?|한테서?는?|께서?는?"
_PARTICLES = (
    "은|는|이|가|을|를|의|과|와|도|만|으로|로|이랑|랑|하고|이나|나|이라고|라고|이라는|라는|이란|"
    "란|입니다|이에요|예요|"
    "이예요|이고|이며|인데|이다|이었다|였다|다|이었습니다|였습니다|인가요|인지|이가|이는|이를|이의|"
    "아|야|이야|까지|부터|"
    "처럼|보다|마저|조차|이라|라서|이라서|이니|이죠|죠|님"
)
_REST = re.compile(
    rf"(?P<addressed>{_ADDRESSED})?(?P<role>{_ROLES})?(?:(?P<person>{_PERSONS})|(?:{_PARTICLES}))?"
)
_NEXT = re.compile(
    rf" ?(?:(?P<addressed>(?:{_ADDRESSED})(?:{_PERSONS}|{_PARTICLES})?(?![가-힣]))"
    rf"|(?P<role>{_ROLES}))"
)
_WORD = re.compile(r"[가-힣]{2,14}")
_FORM = (
    "이름|성명|성함|예금주|담당자|담당|신청인|신청자|고객명|환자명|수신인?|받는 ?분|받는 ?사람|"
    "받으실 ?분|보내는 ?분|"
    "보내는 ?사람|보호자|대표자|작성자|수취인|명의자|명의|계약자|피보험자|수익자|임차인|임대인|"
    "매도인|매수인|세대주|"
    "예약자|입금자|탑승객|승객|참석자|발신인?|의뢰인|피해자|피고인?|원고|증인|민원인|응시자|"
    "지원자|합격자|수령인|"
    "주문자|가입자|회원명|학생명|보증인|채무자|채권자|대리인|위임인|문의자|제보자|고소인|신고인|"
    "상담원|진료의|주치의"
)
_NEAR = (
    "환자|고객|회원|학생|직원|손님|여행자|친구|동료|아들|딸|남편|아내|어머니|아버지|누나|언니|"
    "오빠|형|동생|후배|선배|이웃|손자|손녀|사위|며느리|짝꿍"
)
_SAID = r"저는|나는|제 ?이름은|내 ?이름은|전 |본인은|본인"
_LABEL = re.compile(
    rf"(?:(?P<form>{_FORM})|(?P<near>{_NEAR})|(?P<said>{_SAID}))(?:은|는|이|가|인|명|란)?"
    r"(?: ?\([가-힣A-Za-z]{1,6}\))? ?(?P<sign>[:=|]|-)? ?[\"'(<\[‘“]?$"
)
_SPACED = re.compile(r"(?<![가-힣])[가-힣](?: {1,3}[가-힣]){2}(?![가-힣])")
_DOERS = frozenset("자가인원생객")
"""What ends words for people by what they do, such as 이용자, unless the name is a usual one."""

_ENDINGS = frozenset("은이나도로만의임")
"""Particles that also end given names: 명예나 is rather an honour than a person."""

_VERBAL = frozenset("은이나도로만의을한할된")
"""What ends verbs and words with particles, such as 이용한, unless the name is a usual one."""

_FOLLOWED = re.compile(r" ?[,/(:|]? ?(?:\(?0\d|\d{6}|[A-Za-z0-9._]{2,30}@)")
"""A number or an e-mail address right behind, as in a list of people."""

_AND = re.compile(r"(?:, ?|· ?|[와과] |랑 |이랑 | 및 |/ ?| / )")
"""What stands between two names of a list."""

_FAR = 5
_SURE = 0.5


def find(text: str) -> Iterator[Found]:
    """Names that begin a word."""
    last = -_FAR
    for match in _WORD.finditer(text):
        close = match.start() - last < _FAR and _AND.fullmatch(text, last, match.start())
        found = max(
            _readings(text, match, bool(close)), key=lambda each: each.confidence, default=None
        )
        if found is not None:
            yield found
            last = found.end if found.confidence >= _SURE else last
    for match in _SPACED.finditer(text):
        label = _labelled(text, match.start())
        syllables = match[0].replace(" ", "")
        if label is not None and label["form"] and syllables[0] in SURNAMES:
            yield Found("name", match.start(), match.end(), 0.8)


def _readings(text: str, word: re.Match[str], listed: bool) -> Iterator[Found]:
    """What of a word's beginning may be a name, each with its confidence."""
    label = _labelled(text, word.start())
    for length in range(2, min(len(word[0]), 5) + 1):
        name = word[0][:length]
        rest = _REST.fullmatch(word[0], length)
        if rest is None or name in NO_NAMES or word[0] in NO_NAMES:
            continue
        form = _form(name)
        if form is None:
            continue
        added = _context(text, word.end(), rest, label, form) + 0.2 * listed
        if not added and len(name) == 3 and name == word[0] and name[-1] in _ENDINGS:
            added = -0.15
        confidence = form + added
        if confidence > 0.2:
            start = word.start()
            yield Found("name", start, start + length, round(min(confidence, 0.97), 2))


def _form(name: str) -> float | None:
    """How much a word looks like a name by itself; None if not at all."""
    for size in (2, 1):
        surname, given = name[:size], name[size:]
        if not 1 <= len(given) <= 2:
            continue
        if surname not in (LONG_SURNAMES if size == 2 else SURNAMES):
            continue
        base = 0.1 if size == 2 or surname in USUAL_SURNAMES else 0.05
        if given in GIVEN_NAMES:
            return base + 0.45
        if size == 2 and given in SINGLE_SYLLABLES:
            return base + 0.2
        if len(given) == 1:
            return base + 0.05 if given in SINGLE_SYLLABLES else None
        if given[1] in _DOERS:
            return None
        if given[1] in _VERBAL:
            return base
        if given[0] in FIRST_SYLLABLES and given[1] in LAST_SYLLABLES:
            return base + 0.25
        return base
    return 0.15 if name in GIVEN_NAMES else None


def _context(
    text: str, end: int, rest: re.Match[str], label: re.Match[str] | None, form: float
) -> float:
    """What the words around add."""
    added = 0.0
    bare = rest.end() == rest.start()
    after = _NEXT.match(text, end) if bare else None
    if rest["addressed"] or (after and after["addressed"]):
        added += 0.45
    elif rest["role"] or (after and after["role"]):
        added += 0.3 if form > 0.3 else 0.2
    elif rest["person"] or (bare and _FOLLOWED.match(text, end)):
        added += 0.2
    if label is not None:
        if label["form"] and label["sign"]:
            added += 0.45
        elif label["form"] or label["said"]:
            added += 0.3
        elif form > 0.3:
            added += 0.2
    return added


def _labelled(text: str, start: int) -> re.Match[str] | None:
    return _LABEL.search(text[max(0, start - 16) : start])
