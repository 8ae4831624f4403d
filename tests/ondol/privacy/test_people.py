"""Names and addresses: what is one, and which words only look like it."""

import pytest

from ondol.privacy import find


def found(text: str, at_least: float = 0.5) -> list[str]:
    return [text[each.start : each.end] for each in find(text, ["name", "address"], at_least)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("김민준이 왔다", "김민준"),
        ("이서연에게 주세요", "이서연"),
        ("피보결 씨가 왔다", "피보결"),
        ("남궁현 대리", "남궁현"),
        ("황보민준 팀장님", "황보민준"),
        ("성명: 홍 길 동", "홍 길 동"),
        ("예금주 도하솔", "도하솔"),
        ("저는 유가온입니다", "유가온"),
        ("친구 마동훈이 도왔다", "마동훈"),
        ("김민준님께", "김민준"),
        ("이름: 표륭건", "표륭건"),
    ],
)
def test_names_are_found_without_their_particles(text: str, name: str) -> None:
    assert found(text) == [name]


def test_every_name_of_a_list_is_found() -> None:
    assert found("참석자: 백승아, 노태결, 하도빈") == ["백승아", "노태결", "하도빈"]


@pytest.mark.parametrize(
    "text",
    [
        "이용자가 늘었다",
        "신청인은 고객님의 정보 공개를 요청했다",
        "담당자 연락처가 바뀌었다",
        "우리 선생님",
        "담당 과장과 상의했다",
        "정수기 필터",
        "명예나 권리를 침해한 때",
        "국민은 양심의 자유를 가진다",
        "예금주 이름",
        "성명: 미기재",
        "이동하는 개체",
    ],
)
def test_words_that_begin_like_surnames_are_no_names(text: str) -> None:
    assert found(text) == []


def test_an_unusual_name_without_any_word_around_is_less_sure() -> None:
    (found_one,) = find("류보결, 학교", ["name"], 0.2)
    assert 0.2 <= found_one.confidence < 0.5


@pytest.mark.parametrize(
    "address",
    [
        "서울특별시 강남구 테헤란로 9999, 101동 1502호",
        "경기도 성남시 분당구 불정로 9996",
        "부산 해운대구 우동 9999-12번지",
        "대구광역시 달서구 성서공단로11길 9962",
        "전라남도 여수시 돌산읍 강남로 9961",
        "서울 관악구 신림동 산 9956-1",
        "서울특별시 종로구 세종대로 9975 (세종로)",
        "행복아파트 105동 1203호",
    ],
)
def test_addresses_are_found_whole(address: str) -> None:
    assert found(f"보낼 곳은 {address}입니다") == [address]


@pytest.mark.parametrize(
    "text",
    [
        "을지로 3가에서 만나자",
        "실제로 3배 늘었다",
        "다시 서로 3번씩 확인했다",
        "앞으로 3개월 안에",
        "서울 강남구 역삼동은 회사가 많다",
        "세종대로 사거리",
        "경로 2를 선택하면",
    ],
)
def test_areas_and_adverbs_are_no_addresses(text: str) -> None:
    assert found(text) == []


def test_a_street_alone_needs_a_word_that_says_so() -> None:
    assert found("가람로 9921") == []
    assert found("주소는 가람로 9921") == ["가람로 9921"]
