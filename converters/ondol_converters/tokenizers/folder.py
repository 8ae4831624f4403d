"""The tokenizer of a Hugging Face folder, from whichever of its files hold it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ondol.errors import MissingTokenizer
from ondol.language import say
from ondol_converters.sources import TokenizerFiles
from ondol_converters.tokenizers.jsonfolder import from_json
from ondol_converters.tokenizers.sentencepiece_file import Cleaning, FolderSays, from_sentencepiece
from ondol_converters.tokenizers.settings import Settings, broken, content, parsed, text_of
from ondol_converters.tokenizers.templates import NAMES, naming
from ondol_converters.tokenizers.unigram import Fairseq
from ondol_converters.tokenizers.vocabulary import (
    CONTROL,
    NORMAL,
    UNUSED,
    USER_DEFINED,
    Vocabulary,
    from_vocabulary,
)
from ondol_converters.tokenizers.wordpiece import Bert, from_wordpiece

FAIRSEQ = ("xlmroberta", "xlm-roberta", "xlm-roberta-xl", "xmod")
"""Tokenizers and models that number a SentencePiece file's pieces as fairseq does."""

CLEANING = {"albert": True, "kobert": False, "xlnet": False}
"""Tokenizers that clean a text first, and whether they put it into lower case by default."""

PRE_OF = {
    "exaone": "exaone",
    "exaone4": "exaone4",
    "gpt2": "gpt-2",
    "gptj": "gpt-2",
    "gpt_neox": "gpt-neox",
    "gptneox": "gpt-neox",
    "qwen2": "qwen2",
    "qwen3": "qwen2",
}
"""How tokenizers and models whose folder holds `vocab.json` and `merges.txt` cut words."""


def from_folder(folder: Path) -> TokenizerFiles:
    """The tokenizer of a Hugging Face folder: of the files in `READERS`, the first that is there.

    The chat template comes from `chat_template.jinja` or `tokenizer_config.json`; ids that end a
    reply come from `generation_config.json`, `config.json`, `tokenizer_config.json` and the
    vocabulary's own end-of-turn tokens.

    Raises:
        MissingTokenizer: if the folder holds none of these files.
        CorruptSource: if a file is not what its name says.
    """
    says = Settings.read(folder)
    for name, read in READERS.items():
        if (folder / name).is_file():
            files = read(folder / name, says)
            given = ("eos_token",) if files.bos is None else ("eos_token", "bos_token")
            tokens = {each: says.token(each) for each in NAMES if each not in given}
            return replace(files, chat_template=naming(files.chat_template, tokens))
    names = ", ".join(READERS)
    raise MissingTokenizer(
        say(f"{folder.name} holds no tokenizer.", f"{folder.name}에 토크나이저가 없습니다."),
        say(f"None of these files is there: {names}.", f"다음 파일이 하나도 없습니다: {names}."),
        say(
            "Download the model's tokenizer.json into the folder.",
            "모델의 tokenizer.json을 그 폴더에 내려받으세요.",
        ),
    )


def _sentencepiece(path: Path, says: Settings) -> TokenizerFiles:
    fairseq = Fairseq() if set(says.families) & set(FAIRSEQ) else None
    begin, end = says.token("cls_token"), says.token("sep_token")
    if fairseq:
        begin, end = begin or fairseq.first[0], end or fairseq.first[2]
    return from_sentencepiece(
        path,
        FolderSays(
            says.flag("add_bos_token"),
            says.ends,
            says.template,
            begin,
            end,
            fairseq,
            _cleaning(says),
        ),
    )


def _cleaning(says: Settings) -> Cleaning | None:
    kind = next((name for name in says.families if name in CLEANING), None)
    if kind is None:
        return None
    lower = says.flag("do_lower_case")
    return Cleaning(
        lowercase=CLEANING[kind] if lower is None else lower,
        keep_accents=bool(says.flag("keep_accents")),
    )


def _wordpiece(path: Path, says: Settings) -> TokenizerFiles:
    default = Bert()
    separate = says.flag("tokenize_chinese_chars")
    others = tuple(says.token(name) for name in ("pad_token", "mask_token"))
    lines = text_of(path).replace("\r\n", "\n").removesuffix("\n").split("\n")
    return from_wordpiece(
        lines,
        Bert(
            lowercase=says.flag("do_lower_case"),
            strip_accents=says.flag("strip_accents"),
            separate_hanja=default.separate_hanja if separate is None else separate,
            unknown=says.token("unk_token") or default.unknown,
            begin=says.token("cls_token") or default.begin,
            end=says.token("sep_token") or default.end,
            others=tuple(o or d for o, d in zip(others, default.others, strict=True)),
        ),
    )


def _merges(path: Path, says: Settings) -> TokenizerFiles:
    pre = next((PRE_OF[name] for name in says.families if name in PRE_OF), None)
    beside = path.with_name("vocab.json")
    if pre is None or not beside.is_file():
        raise MissingTokenizer(
            say(
                f"{path.parent.name} holds half a tokenizer.",
                f"{path.parent.name}에 토크나이저가 반쪽만 있습니다.",
            ),
            say(
                "merges.txt needs vocab.json beside it and a tokenizer_class that is known: "
                f"{', '.join(sorted(PRE_OF))}.",
                "merges.txt 곁에 vocab.json이 있고 아는 tokenizer_class여야 합니다: "
                f"{', '.join(sorted(PRE_OF))}.",
            ),
            say(
                "Download the model's tokenizer.json into the folder.",
                "모델의 tokenizer.json을 그 폴더에 내려받으세요.",
            ),
        )
    kinds = _added(says)
    ids = {text: n for text, n in parsed(text_of(beside), beside.name).items() if type(n) is int}
    ids |= {text: number for text, (number, _) in kinds.items()}
    size = max(ids.values(), default=-1) + 1
    if size > 2 * len(ids) or min(ids.values(), default=0) < 0:
        raise broken(beside.name, say("Its ids have holes.", "번호가 이어지지 않습니다."))
    tokens, types = [f"[PAD{number}]" for number in range(size)], [UNUSED] * size
    for text, number in ids.items():
        tokens[number], types[number] = text, kinds.get(text, (number, NORMAL))[1]
    eos, bos = ids.get(says.token("eos_token") or ""), ids.get(says.token("bos_token") or "")
    lines = text_of(path).replace("\r\n", "\n").split("\n")
    return from_vocabulary(
        Vocabulary(
            model="gpt2",
            pre=pre,
            tokens=tokens,
            types=types,
            merges=[line for line in lines if line and not line.startswith("#version")],
            bos=bos,
            eos=eos,
            ends=says.ends,
            add_bos=bool(says.flag("add_bos_token")),
            chat_template=says.template,
        )
    )


def _added(says: Settings) -> dict[str, tuple[int, int]]:
    """Ids and types of the tokens that are no merges, from `added_tokens_decoder`."""
    listed = says.config.get("added_tokens_decoder")
    found: dict[str, tuple[int, int]] = {}
    for number, token in (listed if isinstance(listed, dict) else {}).items():
        text = content(token)
        if text is not None and number.isdecimal() and isinstance(token, dict):
            found[text] = (int(number), CONTROL if token.get("special") else USER_DEFINED)
    return found


READERS: dict[str, Callable[[Path, Settings], TokenizerFiles]] = {
    "tokenizer.json": from_json,
    "tokenizer.model": _sentencepiece,
    "sentencepiece.bpe.model": _sentencepiece,
    "spiece.model": _sentencepiece,
    "merges.txt": _merges,
    "vocab.txt": _wordpiece,
}
"""Files that hold a tokenizer, the one that says most first, and who reads them."""
