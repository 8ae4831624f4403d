"""How byte-level vocabularies cut text into words before merging: one row per family.

Keyed by the word in GGUF's `tokenizer.ggml.pre`. The patterns are those that llama.cpp applies
for that word (`ondol.tokenizing.patterns`); several are applied one after the other, each to the
pieces the one before left. Where llama.cpp only comes near a model's own pattern because
its regex engine lacks letter cases (gpt-4o, tekken), the row holds the model's own.
"""

from dataclasses import dataclass

from ondol.errors import SourceError
from ondol.language import say
from ondol.tokenizing.patterns import PATTERNS


@dataclass(frozen=True, slots=True)
class PreTokenizer:
    """Patterns in order; `whole_words` takes a word that is in the vocabulary without merging.

    `add_bos` is what holds when the file itself does not say.
    """

    patterns: tuple[str, ...]
    whole_words: bool = False
    add_bos: bool = False


def _row(*names: str, whole_words: bool = False, add_bos: bool = False) -> PreTokenizer:
    return PreTokenizer(tuple(PATTERNS[name] for name in names), whole_words, add_bos)


_plain = _row("gpt2")
_digits = _row("number", "gpt2")
_llama3 = _row("llama3", whole_words=True, add_bos=True)
_llama3_merged = _row("llama3")
_qwen2 = _row("qwen2")
_gpt4o = _row("gpt4o")
_llama_cpps = _row("signs", "gpt2", "numbers", "digits-3")

PRE_TOKENIZERS: dict[str, PreTokenizer] = {
    "": _llama_cpps,
    "default": _llama_cpps,
    "a.x-4.0": _plain,
    "chatglm-bpe": _llama3_merged,
    "codeshell": _digits,
    "command-r": _digits,
    "dbrx": _llama3_merged,
    "deepseek-r1-qwen": _qwen2,
    "deepseek-v3": _row("number-1-3", "han-kana", "deepseek3"),
    "exaone": _digits,
    "exaone-moe": _row("exaone-moe"),
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
    "qwen35": _row("qwen35"),
    "refact": _digits,
    "smaug-bpe": _llama3_merged,
    "smollm": _digits,
    "solar-open": _qwen2,
    "stablelm2": _qwen2,
    "starcoder": _digits,
    "tekken": _row("tekken", whole_words=True, add_bos=True),
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
