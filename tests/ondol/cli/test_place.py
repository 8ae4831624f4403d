"""`ondol place`: JSON, and two tables."""

import pytest

from command_line import Ondol


def test_json_has_every_node_and_the_shares(ondol: Ondol) -> None:
    done = ondol("place", "base", "--device", "aim", "--prompt-tokens", "8", "--json")
    assert done.code == 0 and done.json["device"] == "aim"
    decode = done.json["decode"]
    assert {share["device"] for share in decode["shares"]} == {"aim", "cpu"}
    assert sum(row["flops"] for row in decode["rows"]) == sum(s["flops"] for s in decode["shares"])


@pytest.mark.parametrize(
    ("language", "word"), [("en", "decode, one token"), ("ko", "디코드(1토큰)")]
)
def test_tables_in_both_languages(
    language: str, word: str, ondol: Ondol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_LANG", language)
    done = ondol("place", "base", "--device", "cpu")
    assert done.code == 0 and word in done.out and "layers.0.qkv/MatMul" in done.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("base", "--device", "toaster"), 5),
        (("base", "--device", "one"), 5),
        (("base", "--prompt-tokens", "0"), 2),
        (("base", "--context", "100000"), 2),
        (("nowhere",), 4),
    ],
)
def test_what_cannot_be_placed(arguments: tuple[str, ...], code: int, ondol: Ondol) -> None:
    done = ondol("place", *arguments)
    assert done.code == code and done.out == ""
