"""Endings that say how politely a sentence speaks: a table, read from the top."""

from collections.abc import Iterable
from enum import StrEnum

from ondol.hangul.jamo import CODAS, ONSETS, VOWELS, Syllable


class Level(StrEnum):
    """Speech levels of Korean's sentence endings, by their names; UNKNOWN: an ending of none."""

    HASIPSIO = "하십시오체"
    HAEYO = "해요체"
    HAO = "하오체"
    HAGE = "하게체"
    HAE = "해체"
    HAERA = "해라체"
    UNKNOWN = "알 수 없음"


def _closing(codas: Iterable[str], vowels: Iterable[str] = VOWELS) -> str:
    """A class of the syllables that close with one of these codas."""
    chosen = list(vowels)
    return (
        "[" + "".join(str(Syllable(o, v, c)) for o in ONSETS for v in chosen for c in codas) + "]"
    )


_B = _closing("ㅂ")
_N = _closing("ㄴ")
_L = _closing("ㄹ")
_M = _closing("ㅁ")
_SS = _closing("ㅆ")
_CLOSED = _closing(CODAS[1:])


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NOUNS = _words("""
    필요 수요 개요 주요 소요 동요 중요 강요 민요 담요 일요 긴요 정오 착오 증오 각오 라디오 비디오
    스튜디오 시나리오 오디오 카카오 동네 바다 수다 소다 캐나다 판다 나라 우리나라 소라 신라 카메라
    드라마 하나 바나나 누나 코로나 어머니 할머니 언니 주머니 아주머니 비구니 편지 가지 먼지 강아지
    아버지 할아버지 휴지 까지 처지 돼지 반지 잡지 바지 경지 유지 방지 금지 정지 토지 의지 이미지
    페이지 메시지 공지 여지 취지 복지 단지 분야 시야 평야 올해 피해 손해 방해 동해 남해 서해 오해
    지난해 새해 항해 견해 양해 이해 공해 언어 단어 영어 국어 한국어 외국어 일본어 중국어 용어
    검색어 문어 상어 장어 연어 붕어 인어 은어 자세 추세 전세 월세 만세 대세 우세 시세 관세 강세
    약세 출세 증세 장소 주소 산소 최소 감소 하마 가마 이마 치마 고구마 엄마 장마 참고 광고 보고
    최고 창고 사고 재고 신고 경고 냉장고 자동차 친구 지구 도구 연구 세대 시대 상대 기대 무대 군대
    침대 휴대 의사 회사 고래 노래 미래 거래 아래 빨래 모래 가게 무게 지게 집게 번개 조개 회의
""")
"""Nouns that end as a sentence may: a sentence that ends in one is a fragment."""

_FORMAL, _POLITE, _OLD, _ELDER = Level.HASIPSIO, Level.HAEYO, Level.HAO, Level.HAGE
_PLAIN, _WRITTEN = Level.HAE, Level.HAERA

ENDINGS: tuple[tuple[str, tuple[Level, ...]], ...] = (
    (rf"{_B}니(?:다|까)(?:만|마는|만요)?", (_FORMAL,)),
    (r"(?:십시오|십시요|으소서|하소서|주소서|옵소서|십시다)", (_FORMAL,)),
    (rf"{_B}시다", (_OLD, _FORMAL)),
    (rf"{_B}디(?:다|까)", (_OLD,)),
    (r"(?:요|죠|쥬|지용|에용|네용)", (_POLITE,)),
    (
        r"(?:구려|구료|리다|오이다|시오|으오|(?:하|가|보|주|되|이|니|크|르|쁘|리|지|치|나|"
        r"자)오)",
        (_OLD,),
    ),
    (rf"(?:{_SS}|없|좋|많|같|싶|않|먹|받|믿|듣|깊|높|낮|작|읽|찾|맞|옳|괜찮|젊)소", (_OLD,)),
    (
        rf"(?:게나|시게|{_L}세|{_M}세|말게|는구먼|로구먼|자네|네그려|세그려|다네|라네|"
        rf"겠네그려)",
        (_ELDER,),
    ),
    (r"(?:하|가|보|나|으|두|마|주|드|오|지|기|리|우|이)세", (_ELDER,)),
    (rf"(?:는가|은가|던가|인가|{_N}가|나)", (_ELDER, _PLAIN, _WRITTEN)),
    (
        rf"(?:{_L}게|{_L}래|{_L}걸|는걸|{_N}걸|거든|잖아|{_L}텐데|더라고|더군|는군|구먼|군)",
        (_PLAIN,),
    ),
    (r"네", (_PLAIN, _ELDER)),
    (r"게", (_ELDER, _PLAIN)),
    (rf"(?:{_L}까)", (_PLAIN, _ELDER, _WRITTEN)),
    (
        r"(?:구나|거라|너라|아라|어라|여라|해라|하라|으라|더라|노라|리라|니라|도다|라|"
        r"으렴|렴|려무나|려므나)",
        (_WRITTEN,),
    ),
    (r"(?:냐|느냐)", (_WRITTEN, _PLAIN)),
    (r"다", (_WRITTEN,)),
    (
        rf"(?:{_SS}|하|있|없|먹|가|오|되|좋|이|싶|주|보|알|모르|같|아니|그러|는|렇|않|많)니",
        (_WRITTEN, _PLAIN),
    ),
    (
        r"(?:하|가|보|먹|되|주|두|놀|살|말|쉬|나|자|찾|읽|쓰|믿|잊|앉|걷|내|오|마시|시키|"
        r"들|치|이기|기다리|지내|사)자",
        (_WRITTEN, _PLAIN),
    ),
    (r"(?:하|주|보|가|사)마", (_WRITTEN,)),
    (
        r"(?:는데|은데|던데|인데|한데|텐데|는지|을지|다고|라고|냐고|자고|려고|니까|"
        r"면서|든지|거야|이야|뭐야|야)",
        (_PLAIN,),
    ),
    (rf"(?:{_N}데|{_SS}대|{_N}대|래|재)", (_PLAIN,)),
    (
        rf"(?:{_SS}|있|없|좋|겠|이|하|되|알|모르|그렇|렇|같|않|많|아니|맞|가|싫|싶|먹|보|"
        rf"주|쉽|춥|덥|크)지",
        (_PLAIN,),
    ),
    (rf"{_CLOSED}(?:아|어)|지 ?마|마", (_PLAIN,)),
    (
        r"(?:봐|줘|돼|해|와|워|려|져|켜|써|커|빠|뻐|퍼|파|몰라|달라|빨라|골라|올라|눌러|"
        r"불러|흘러|마셔|쳐|겨|춰|꿔|둬|놔|여|셔|떠|꺼|가|나|자|서|내|세|매|깨|배)",
        (_PLAIN,),
    ),
)
"""Ending, and the levels it may be of, the likeliest first."""
