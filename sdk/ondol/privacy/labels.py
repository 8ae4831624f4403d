"""What the words around a number say it is: its own kind, another one, or nothing personal."""

import re
from typing import Literal

from ondol.privacy.found import Kind

Label = Kind | Literal["other"]

BANKS = (
    "국민은행|신한은행|우리은행|하나은행|농협은행|기업은행|카카오뱅크|케이뱅크|토스뱅크|수협은행|"
    "부산은행|"
    "대구은행|아이엠뱅크|광주은행|전북은행|경남은행|제주은행|산업은행|씨티은행|제일은행|"
    "새마을금고|신협|"
    "우체국|저축은행|농협|수협|국민|신한|우리|하나|기업|카뱅|토스|KB|NH|IBK|SC|KDB|iM뱅크|은행"
)

WORDS: dict[Label, str] = {
    "account": rf"계좌|통장|입금|송금|이체|예금주|환불받|무통장|{BANKS}",
    "business-number": r"사업자|사업자등록",
    "card": r"카드|결제수단",
    "driver-licence": r"운전 ?면허|면허",
    "foreigner-number": r"외국인 ?등록|외국인 ?번호|체류",
    "ip-address": r"(?<![A-Za-z])IP(?![A-Za-z])|아이피|접속|로그인|게이트웨이",
    "passport": r"여권|[Pp]assport|PASSPORT",
    "phone": (
        r"전화|연락|휴대폰|핸드폰|휴대전화|폰|팩스|문자|대표번호|콜센터|고객센터|안심번호|"
        r"(?<![A-Za-z])(?:HP|TEL|Tel|tel|FAX|Fax|fax|H\.P|T|M)(?![A-Za-z])"
    ),
    "plate": r"차량|차번|번호판|주차|자동차|승용차|트럭|택시|견인|과태료|승합차|렌터카|렌트카",
    "resident-number": r"주민|주번(?![가-힣])|민번|RRN",
    "other": (
        r"주문|송장|운송장|접수|예약|관리 ?번호|일련|제품|모델|상품|시리얼|[Ss]/[Nn]|버전|문서|"
        r"사건|품번|"
        r"바코드|ISBN|코드|쿠폰|법인등록|허가|신고 ?번호|승인|특허|출원|[Vv]er|[Vv]ersion|펌웨어|"
        r"티켓|"
        r"회차|좌표|위도|경도|택배|등기|거래 ?번호|청구|증권|보험|학번|사번|회원 ?번호|계약|공고|"
        r"규격|"
        r"빌드|릴리스|업데이트|로트|부품|재고|자산|결재|과제|논문|DOI|인증 ?번호|추적|세금"
    ),
}
"""Words that stand before a number, by what they say of it."""

BEFORE = 24
"""Characters before a number in which a word counts; the nearest one decides."""

AFTER = 12

_LABEL = re.compile("|".join(f"(?P<g{at}>{words})" for at, words in enumerate(WORDS.values())))
_NAMES: tuple[Label, ...] = tuple(WORDS)


def label_before(text: str, start: int) -> Label | None:
    """What the nearest word before a place says stands there; None where no word says it."""
    window = text[max(0, start - BEFORE) : start]
    found = None
    for found in _LABEL.finditer(window):  # noqa: B007
        pass
    if found is None:
        return None
    return _NAMES[int((found.lastgroup or "g0")[1:])]


def label_after(text: str, end: int, kind: Kind) -> bool:
    """Whether a word of a kind stands close behind a place, as in "…-123456 (국민은행)"."""
    return bool(re.search(WORDS[kind], text[end : end + AFTER]))


def judged(base: float, label: Label | None, kind: Kind, named: float) -> float:
    """A confidence by form, moved by what the words before say.

    Args:
        base: by form and check digit alone.
        label: of `label_before`.
        kind: what the form says.
        named: the least it is where the words say the same.
    """
    if label == kind:
        return max(base, named)
    if label == "other":
        return max(0.0, base - 0.45)
    return base if label is None else max(0.0, base - 0.15)
