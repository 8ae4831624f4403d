"""BPE `tokenizer.json` texts of every kind that makers write, small enough to make at once."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from ondol.tokenizing.patterns import PATTERNS
from tokenizer_maker import bytelevel, sentencepiece
from vocabulary_maker import trained

LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
SPACES = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
NUMBERS = PATTERNS["numbers"]
BEHAVIOURS = ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")


def split(
    pattern: str, behaviour: str = "Isolated", *, inverted: bool = False, kind: str = "Regex"
) -> dict[str, Any]:
    """A Split as the file writes it."""
    made = {"type": "Split", "pattern": {kind: pattern}, "behavior": behaviour, "invert": inverted}
    return dict(made)


def sequence(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "pretokenizers": list(steps)}


def changed(text: str, change: Callable[[dict[str, Any]], object]) -> str:
    """A tokenizer.json after a function has changed it in place."""
    whole = json.loads(text)
    change(whole)
    return json.dumps(whole, ensure_ascii=False)


def added(token: int, content: str, **flags: bool) -> dict[str, Any]:
    names = ("single_word", "lstrip", "rstrip", "normalized", "special")
    return {"id": token, "content": content, **dict.fromkeys(names, False), **flags}


@cache
def kinds() -> dict[str, str]:
    """Every tokenizer.json by a name that says what is its own."""
    from ondol_converters.tokenizers import from_vocabulary

    level, pieces = trained("bytelevel"), trained("sentencepiece")
    found = {
        "small-pieces": from_vocabulary(sentencepiece()).json,
        "small-pieces-in-front": from_vocabulary(sentencepiece(space_prefix=True)).json,
        "small-level": from_vocabulary(bytelevel()).json,
        "level": level,
        "pieces": pieces,
        "level-space": changed(
            level, lambda w: w.update(pre_tokenizer=LEVEL | {"add_prefix_space": True})
        ),
        "level-digits": changed(
            level,
            lambda w: w.update(
                pre_tokenizer=sequence(
                    {"type": "Digits", "individual_digits": True}, LEVEL | {"use_regex": True}
                )
            ),
        ),
        "level-digits-together": changed(
            level,
            lambda w: w.update(
                pre_tokenizer=sequence({"type": "Digits", "individual_digits": False}, LEVEL)
            ),
        ),
        "level-nfc": changed(level, lambda w: w.update(normalizer={"type": "NFC"})),
        "pieces-gemma": changed(
            pieces,
            lambda w: w.update(
                normalizer=SPACES,
                pre_tokenizer=split(" ", "MergedWithPrevious", kind="String"),
            ),
        ),
        "pieces-nfkc": changed(
            pieces,
            lambda w: w.update(
                normalizer={"type": "Sequence", "normalizers": [{"type": "NFKC"}, SPACES]}
            ),
        ),
        "pieces-unknown": changed(pieces, lambda w: w["model"].update(byte_fallback=False)),
        "pieces-unknown-each": changed(
            pieces, lambda w: w["model"].update(byte_fallback=False, fuse_unk=False)
        ),
        "pieces-dropped": changed(
            pieces, lambda w: w["model"].update(byte_fallback=False, unk_token=None)
        ),
        "pieces-some-bytes": changed(pieces, _some_bytes),
        "pieces-bridged": changed(pieces, _bridged),
        "pieces-added": changed(pieces, _with_added),
        "level-added": changed(level, _with_added),
    }
    for name, pattern in PATTERNS.items():
        for whole in (False, True):
            found[f"pattern-{name}{'-whole' * whole}"] = changed(level, _cut_by(pattern, whole))
    for behaviour in BEHAVIOURS:
        for inverted in (False, True):
            step = split(NUMBERS, behaviour, inverted=inverted)
            name = f"{behaviour}{'-inverted' * inverted}"
            found[name] = changed(level, _updating(pre_tokenizer=sequence(step, LEVEL)))
    for scheme in ("always", "first", "never"):
        for cut in (True, False):
            step = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": cut}
            change = _updating(normalizer=None, pre_tokenizer=step, decoder=step)
            found[f"metaspace-{scheme}{'' if cut else '-whole'}"] = changed(pieces, change)
    return found


def _updating(**parts: Any) -> Callable[[dict[str, Any]], None]:
    def change(whole: dict[str, Any]) -> None:
        whole.update(parts)

    return change


def _cut_by(pattern: str, whole_words: bool) -> Callable[[dict[str, Any]], None]:
    def change(whole: dict[str, Any]) -> None:
        whole["pre_tokenizer"] = sequence(split(pattern), LEVEL)
        whole["model"]["ignore_merges"] = whole_words

    return change


def _some_bytes(whole: dict[str, Any]) -> None:
    """Without a few byte tokens: characters that need one become the unknown token."""
    for byte in (0x80, 0x9F, 0xBD):
        del whole["model"]["vocab"][f"<0x{byte:02X}>"]
    whole["model"]["fuse_unk"] = True


def _bridged(whole: dict[str, Any]) -> None:
    """With merges that go on over a space behind two signs that a pattern has a meaning for."""
    model = whole["model"]
    for left, right in (("]", "▁"), ("^", "▁"), ("]▁", "▁")):
        for token in (left, left + right):
            model["vocab"].setdefault(token, max(model["vocab"].values()) + 1)
        joined = isinstance(model["merges"][0], str)
        model["merges"].append(f"{left} {right}" if joined else [left, right])


def _with_added(whole: dict[str, Any]) -> None:
    """With added tokens of every kind, some of them beginnings of others."""
    last = max([*whole["model"]["vocab"].values(), *(t["id"] for t in whole["added_tokens"])])
    whole["added_tokens"] += [
        added(last + 1, "<b>"),
        added(last + 2, "<b><i>", special=True),
        added(last + 3, "<i>", normalized=True),
        added(last + 4, "a b", normalized=True),
        added(last + 5, "\n"),
        added(last + 6, "\n\n\n"),
        added(last + 7, "온돌"),
        added(last + 8, "<s>", normalized=True, special=True),
        added(last + 9, "<mask>", special=True, lstrip=True),
    ]


STORY = """온돌은 방바닥을 데우는 난방 방식이다. What's it? It'S 'TIS 'ſ
don't DON'T we'Ve 12345 ١٢٣ Ⅷ½
\tdef f(x):  return x**2  # 주석\r\n\r\n  들여쓰기   끝  \n\n\n<b><i>굵게</i></b>
<s>[INST]<mask> a b a▁b
👨‍👩‍👧 ㅋㅋㅋ ᄒᆞᆫ글 한글 café ａｂ　전각 $100+5%=^_^ ~|~ 大韓民國 カタカナ ひらがな Straße ﬁ ǅ ʰ
]  ]   ^ ^^ ] ▁▁ x▁ ▁y <0x41> <0xEA> <unk> <|end|>
\x1c\x1d\x85\xa0\u2028 \u200b \U0001fae8 \U00016d63 \u088f"""
"""Something of everything that the kinds treat differently."""
