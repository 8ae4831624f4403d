"""How byte-level vocabularies cut text into words before merging: one row per family.

Keyed by the word in GGUF's `tokenizer.ggml.pre`. The patterns are those that llama.cpp applies
for that word, in Oniguruma's syntax; several patterns are applied one after the other, each to
the pieces the one before left. Where llama.cpp only comes near a model's own pattern because
its regex engine lacks letter cases (gpt-4o, tekken), the row holds the model's own.
"""

from dataclasses import dataclass

from ondol.errors import SourceError
from ondol.language import say


@dataclass(frozen=True, slots=True)
class PreTokenizer:
    """Patterns in order; `whole_words` takes a word that is in the vocabulary without merging.

    `add_bos` is what holds when the file itself does not say.
    """

    patterns: tuple[str, ...]
    whole_words: bool = False
    add_bos: bool = False


_SUFFIX = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_LLAMA3 = _SUFFIX + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + _SPACES
_QWEN2 = _SUFFIX + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + _SPACES
_QWEN35 = (
    _SUFFIX + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + _SPACES
)
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_CASED = rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+%s|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*%s"
_GPT4O = _CASED.replace("%s", _SUFFIX + "?") + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + _SPACES
_TEKKEN = _CASED.replace("%s", "") + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + _SPACES
_DEEPSEEK3 = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"
    r"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|" + _SPACES
)
_EXAONE_MOE = (
    _SUFFIX
    + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}"
    + r"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"
)

_plain = PreTokenizer((_GPT2,))
_digits = PreTokenizer((r"\p{N}", _GPT2))
_llama3 = PreTokenizer((_LLAMA3,), whole_words=True, add_bos=True)
_llama3_merged = PreTokenizer((_LLAMA3,))
_qwen2 = PreTokenizer((_QWEN2,))
_gpt4o = PreTokenizer((_GPT4O,))

PRE_TOKENIZERS: dict[str, PreTokenizer] = {
    "": PreTokenizer((r"[\p{P}\$\+<=>\^~\|]+", _GPT2, r"\p{N}+", r"[0-9][0-9][0-9]")),
    "default": PreTokenizer((r"[\p{P}\$\+<=>\^~\|]+", _GPT2, r"\p{N}+", r"[0-9][0-9][0-9]")),
    "a.x-4.0": _plain,
    "chatglm-bpe": _llama3_merged,
    "codeshell": _digits,
    "command-r": _digits,
    "dbrx": _llama3_merged,
    "deepseek-r1-qwen": _qwen2,
    "deepseek-v3": PreTokenizer((r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", _DEEPSEEK3)),
    "exaone": _digits,
    "exaone-moe": PreTokenizer((_EXAONE_MOE,)),
    "exaone4": _plain,
    "falcon3": _llama3,
    "falcon-h1": _llama3,
    "glm4": _llama3_merged,
    "gpt-2": _plain,
    "gpt-4o": _gpt4o,
    "gpt-neox": _plain,
    "hunyuan": _qwen2,
    "kanana2": _gpt4o,
    "kormo": _qwen2,
    "lfm2": _llama3,
    "llama-bpe": _llama3,
    "llama-v3": _llama3,
    "llama3": _llama3,
    "llama4": _gpt4o,
    "megrez": _qwen2,
    "midm-2.0": _llama3,
    "minerva-7b": _digits,
    "mpt": _plain,
    "olmo": _plain,
    "phi-2": _plain,
    "pixtral": _llama3,
    "qwen2": _qwen2,
    "qwen35": PreTokenizer((_QWEN35,)),
    "refact": _digits,
    "smaug-bpe": _llama3_merged,
    "smollm": _digits,
    "solar-open": _qwen2,
    "stablelm2": _qwen2,
    "starcoder": _digits,
    "tekken": PreTokenizer((_TEKKEN,), whole_words=True, add_bos=True),
    "trillion": _plain,
}


def pre_tokenizer(name: str) -> PreTokenizer:
    """The row for a word of `tokenizer.ggml.pre`.

    Raises:
        SourceError: if no row has that name; the message lists those known.
    """
    row = PRE_TOKENIZERS.get(name)
    if row is None:
        raise SourceError(
            say(
                f"The pre-tokenizer {name!r} is not known.",
                f"{name!r} 사전 토크나이저를 알지 못합니다.",
            ),
            say(
                "Known are: " + ", ".join(sorted(filter(None, PRE_TOKENIZERS))) + ".",
                "아는 이름: " + ", ".join(sorted(filter(None, PRE_TOKENIZERS))) + ".",
            ),
            say(
                "Convert from the model's Hugging Face folder, which holds its tokenizer.json.",
                "tokenizer.json이 들어 있는 Hugging Face 폴더에서 변환하세요.",
            ),
        )
    return row
