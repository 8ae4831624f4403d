import pytest

from ondol.scripts import is_hangul, script_leak, script_of


@pytest.mark.parametrize(
    ("characters", "script"),
    [
        ("가힣ㄱㆎᄀᇿꥠힰﾡ〮㉠㈜", "hangul"),
        ("azAZéßỳａＺɐªº", "latin"),
        ("αΩϕ", "greek"),
        ("漢一龥々〇〆㍿㊀豈𠀀⼀⺀", "han"),
        ("ぁんァンーｱｰゝヽ㋐㌀゙", "kana"),
        ("09 \t\n!~·…“”「」、。・※→℃㎡①½€₩\u200d\ufe0f\u0301😀🏻∑𝐀ℓµ（）０", "common"),
        ("жאبกअあ"[:-1] + "٣०।،\u0e34\ue000\U000e0fff", "other"),
    ],
)
def test_scripts(characters: str, script: str) -> None:
    wrong = {hex(ord(c)): script_of(c) for c in characters if script_of(c) != script}
    assert not wrong


def test_every_character_has_a_script_and_all_syllables_are_hangul() -> None:
    assert all(script_of(chr(code)) == "hangul" for code in range(0xAC00, 0xD7A4))
    assert not any(is_hangul(chr(code)) for code in (0xABFF, 0xD7A4, 0x318F, 0x4E00))
    ascii_letters = {script_of(chr(code)) for code in range(128)}
    assert ascii_letters == {"latin", "common"}


@pytest.mark.parametrize(
    ("text", "plain", "hanja"),
    [
        ("자연語言 처리", 2 / 6, 0.0),
        ("안녕 こん", 0.5, 0.5),
        ("대한민국 123 OK!", 0.0, 0.0),
        ("123 !?", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_the_share_that_leaked(text: str, plain: float, hanja: float) -> None:
    assert script_leak(text) == pytest.approx(plain)
    assert script_leak(text, hanja=True) == pytest.approx(hanja)
