"""The provinces, cities, counties and districts of Korea, as of 2026."""

from ondol.privacy.wordlists import words

PROVINCES = (
    "서울특별시|부산광역시|대구광역시|인천광역시|광주광역시|대전광역시|울산광역시|세종특별자치시|경기도|"
    "강원특별자치도|강원도|충청북도|충청남도|전북특별자치도|전라북도|전라남도|경상북도|경상남도|제주특별자치도|"
    "제주도|서울시|부산시|대구시|인천시|대전시|울산시|세종시|서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|"
    "충북|충남|전북|전남|경북|경남|제주"
)

AREAS = frozenset(
    name + suffix
    for kind, suffix in (("cities", "시"), ("counties", "군"), ("districts", "구"))
    for name in words(kind)
)
"""Cities (시), counties (군) and districts (구)."""
