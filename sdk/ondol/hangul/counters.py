"""Which numbers a counter takes: native (세 개) or Sino-Korean (삼 층), and months' own names."""

from ondol.hangul.numerals import NATIVE_LIMIT, read_native, sino

NATIVE = frozenset(
    [
        *["가닥", "가락", "가마", "가지", "갈래", "개", "건", "걸음", "곡", "곳", "공기", "구절"],
        *["군데", "권", "그루", "그릇", "글자", "기", "길", "꼭지", "꾸러미", "끼", "낱말", "냥"],
        *["다발", "단", "달", "대", "덩어리", "돈", "동", "두름", "드럼", "마디", "마리", "말"],
        *[
            "매듭",
            "명",
            "모",
            "모금",
            "모둠",
            "목숨",
            "묶음",
            "문장",
            "바퀴",
            "박스",
            "발",
            "발자국",
        ],
        *["방", "방울", "배", "번", "번째", "벌", "병", "봉지", "부대", "분", "사람", "살", "상자"],
        *["섬", "소절", "손", "송이", "수저", "숟가락", "술", "스푼", "시", "시간", "식구", "쌍"],
        *["알", "움큼", "입", "자", "자루", "잔", "장", "접시", "젓가락", "조각", "종류", "주먹"],
        *["줄", "줄기", "차례", "채", "척", "철", "첩", "축", "춤", "칸", "캔", "컵", "켤레", "쾌"],
        *["타래", "토막", "톨", "통", "통화", "편", "평생", "포기", "포대", "푼", "필", "해", "홉"],
    ]
) - {"기", "길", "단", "동", "돈", "술", "자", "철", "해", "분", "말", "입", "손", "발"}
"""Counters that native numbers go with up to 99."""

SINO = frozenset(
    [
        *["강", "개국", "개년", "개사", "개소", "개월", "교시"],
        *["급", "기", "년", "년대", "년도", "년생", "단", "단계", "달러", "대대"],
        *["도", "동", "등", "등급", "라운드", "리터", "미터", "박", "반"],
        *["배속", "번길", "번지", "번선", "부", "부작", "분", "분기", "분간", "석"],
        *["세", "세기", "세대", "센트", "센티미터", "승", "시즌", "엔"],
        *["연승", "연패", "원", "월", "위", "유로", "인", "인분", "인용", "일", "일간"],
        *["일차", "절", "점", "조", "주", "주간", "주년", "주차", "쪽", "차"],
        *["차원", "차전", "초", "초간", "촌", "층", "칼로리", "킬로", "킬로그램", "킬로미터"],
        *["톤", "파운드", "패", "퍼센트", "페이지", "평", "프로", "학기", "학년", "학점", "항"],
        *["호", "호선", "호실", "회", "회차", "획"],
    ]
)
"""Counters of Sino-Korean numbers that begin like a native one, or are common."""

LONGEST = max(map(len, NATIVE | SINO))

JOINED = {"년", "월", "일", "년도", "년대", "년생"}
"""Written without a blank, as dates are."""

_MONTHS = {6: "유", 10: "시"}


def counter_at(text: str, at: int) -> str:
    """The longest counter that a text holds at a place; empty where none."""
    for size in range(min(LONGEST, len(text) - at), 0, -1):
        name = text[at : at + size]
        if name in NATIVE or name in SINO:
            return name
    return ""


def counted(number: int, counter: str) -> str:
    """A number and its counter: 3 개 is 세 개, 1 번째 첫 번째, 6 월 유월, 120 개 백이십 개."""
    if counter == "월":
        return f"{_MONTHS.get(number) or sino(number)}월"
    if counter == "번째" and number == 1:
        return "첫 번째"
    native = counter in NATIVE and 0 < number < NATIVE_LIMIT
    # 20대 is an age, 13시 an announcement
    if (counter == "대" and number % 10 == 0) or (counter == "시" and number > 12):
        native = False
    if native:
        return f"{read_native(number, before_noun=True)} {counter}"
    return f"{sino(number)}{'' if counter in JOINED else ' '}{counter}"
