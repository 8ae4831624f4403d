"""Vocabularies small enough to read, of both kinds, with what real ones have."""

from ondol_converters.tokenizers import Vocabulary

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6

_PIECES = (
    *("안녕", "하세", "하세요", "안녕하세요", "▁안", "▁안녕", "한국", "한국어", "▁한"),
    *("aa", "aaa", "aaaa", "ab", "abc", "bc", "th", "▁the", "he", "the"),
)


def sentencepiece(*, space_prefix: bool = False, chat_template: str | None = None) -> Vocabulary:
    """A SentencePiece-BPE vocabulary with byte fallback; few syllables are pieces."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
    added = ["\n", "\n\n", "  ", "   ", "<b>", "</s>"]
    letters = list(dict.fromkeys("▁" + "".join(_PIECES)))
    rows = [(token, -1000.0, UNKNOWN if token == "<unk>" else CONTROL) for token in special]
    rows += [(token, -1000.0, USER_DEFINED) for token in added]
    rows += [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
    rows += [(piece, -float(rank), NORMAL) for rank, piece in enumerate(_PIECES)]
    rows += [(letter, -1000.0, NORMAL) for letter in letters]
    return Vocabulary(
        model="llama",
        tokens=[token for token, _, _ in rows],
        scores=[score for _, score, _ in rows],
        types=[kind for _, _, kind in rows],
        bos=2,
        eos=1,
        unk=3,
        add_bos=True,
        add_space_prefix=space_prefix,
        chat_template=chat_template,
    )


def bytes_to_letters() -> dict[int, str]:
    """GPT-2's letters for bytes, written from its rule: printable ones stand for themselves."""
    shown = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = [byte for byte in range(256) if byte not in shown]
    return {byte: chr(byte if byte in shown else 256 + hidden.index(byte)) for byte in range(256)}


def spelt(text: str) -> str:
    """A text in GPT-2's letters."""
    letters = bytes_to_letters()
    return "".join(letters[byte] for byte in text.encode())


def bytelevel(pre: str = "qwen2") -> Vocabulary:
    """A byte-level vocabulary: all bytes, a few merges, three special tokens, one filler."""
    letters = list(bytes_to_letters().values())
    steps = ["안", "녕", "하", "a b", "1 2", "12 3"]
    merges: list[str] = []
    for step in steps:
        if " " in step:
            merges.append(step)
            continue
        letters_of = spelt(step)
        merges += [f"{letters_of[0]} {letters_of[1]}", f"{letters_of[:2]} {letters_of[2]}"]
    merges = list(dict.fromkeys([*merges, f"{spelt('안')} {spelt('녕')}", f"{spelt(' ')} a"]))
    made = list(dict.fromkeys(line.replace(" ", "") for line in merges))
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokens = [*letters, *made, *special, "<tool_call>", "[PAD1]"]
    kinds = [NORMAL] * (len(letters) + len(made)) + [CONTROL] * 3 + [USER_DEFINED, UNUSED]
    return Vocabulary(
        model="gpt2",
        pre=pre,
        tokens=tokens,
        types=kinds,
        merges=merges,
        bos=tokens.index("<|endoftext|>"),
        eos=tokens.index("<|im_end|>"),
        add_bos=False,
    )
