"""A tokenizer's tokens as llguidance wants them, and the grammars compiled over them.

Built once for each tokenizer from the bytes of its tokens, so every kind that Ondol opens will
do: pieces with byte fallback, byte-level, Unigram, WordPiece, and trimmed vocabularies.
"""

from functools import cached_property, lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from ondol.errors import BadGrammar, MissingExtra
from ondol.grammar.normal import SLICES
from ondol.language import say
from ondol.tokenizer import Tokenizer

if TYPE_CHECKING:
    from llguidance import LLMatcher

LONGEST_WHY = 400  # characters of llguidance's own words that an error repeats
KEPT = 32  # compiled grammars for each tokenizer


class Vocabulary:
    """One tokenizer's tokens, ready for grammars.

    Raises:
        MissingExtra: if llguidance is not installed.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        try:
            from llguidance import LLTokenizer, TokenizerWrapper
        except ImportError as exc:
            raise MissingExtra(
                say(
                    "Replies of a given form need llguidance.",
                    "정해진 형식의 답을 받으려면 llguidance가 필요합니다.",
                ),
                say("It is not installed.", "설치되어 있지 않습니다."),
                "pip install 'ondol[guided]'",
            ) from exc
        self.strips_space = tokenizer.strips_space
        spelt = _Spelt(tokenizer)
        self.ends = spelt.ends
        wrapper = TokenizerWrapper(spelt)
        self._tokens: LLTokenizer = LLTokenizer(
            wrapper, n_vocab=len(spelt.tokens), eos_token=list(spelt.ends), slices=list(SLICES)
        )
        wrapper.tokens = spelt.tokens = []  # llguidance has its own copy
        self._compiled = lru_cache(KEPT)(self._compile)

    def matcher(self, grammar: str) -> "LLMatcher":
        """A fresh follower of a grammar, written as `LLMatcher.grammar_from_*` gives it.

        Raises:
            BadGrammar: if it cannot be compiled, or no text in these tokens fulfils it.
        """
        return self._compiled(grammar).deep_copy()

    def _compile(self, grammar: str) -> "LLMatcher":
        from llguidance import LLMatcher

        matcher = LLMatcher(self._tokens, grammar, log_level=0)
        if not matcher.is_error():
            matcher.compute_bitmask()
        if matcher.is_error():
            raise bad_grammar(in_short(matcher.get_error()))
        return matcher


class _Spelt:
    """What llguidance asks of a tokenizer: the bytes of every id, and ids of bytes."""

    bos_token_id = None

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokens = _texts(tokenizer)
        nothing = len(self.tokens)  # an id that no model gives, where none ends a reply
        self.tokens.append(b"")
        self.ends = tuple(token for token in tokenizer.eos if token < nothing) or (nothing,)
        self.eos_token_id = self.ends[0]
        self.special_token_ids = sorted({*tokenizer.special_tokens.values(), *self.ends})
        for token in self.special_token_ids:
            self.tokens[token] = b"\xff<special-%d>" % token  # llguidance's mark: never text
        self._tokenizer = ref(tokenizer)  # it is the key under which this is kept

    def __call__(self, text: bytes | str) -> list[int]:
        raw = text.encode() if isinstance(text, str) else text
        tokenizer = self._tokenizer()
        if tokenizer is not None:
            ids = tokenizer.encode(raw.decode("utf-8", "replace"), normalise=False)
            if b"".join(map(tokenizer.token_bytes, ids)) == raw:
                return ids
        ids, at = [], 0
        while at < len(raw):
            sizes = (size for size in range(4, 0, -1) if raw[at : at + size] in self._small)
            size = next(sizes, 0)
            if not size:
                break
            ids.append(self._small[raw[at : at + size]])
            at += size
        return ids

    @cached_property
    def _small(self) -> dict[bytes, int]:
        """Tokens of one character or one byte, which spell what the tokenizer changes."""
        tokenizer = self._tokenizer()
        texts = enumerate(_texts(tokenizer) if tokenizer else ())
        return {text: token for token, text in texts if 0 < len(text) < 5}


def _texts(tokenizer: Tokenizer) -> list[bytes]:
    return [tokenizer.spell(token) for token in range(tokenizer.size)]


def vocabulary(tokenizer: Tokenizer) -> Vocabulary:
    """A tokenizer's vocabulary, built when first asked for and kept as long as the tokenizer.

    Raises:
        MissingExtra: if llguidance is not installed.
    """
    known = _vocabularies.get(tokenizer)
    if known is None:
        known = _vocabularies[tokenizer] = Vocabulary(tokenizer)
    return known


_vocabularies: WeakKeyDictionary[Tokenizer, Vocabulary] = WeakKeyDictionary()


def in_short(text: str) -> str:
    """What llguidance says, in one line, without the insides that it lists below."""
    lines = takewhile(lambda line: not line.startswith("<"), text.splitlines())
    return " ".join(" ".join(lines).split())[:LONGEST_WHY]


def bad_grammar(why: str) -> BadGrammar:
    """The error for a schema, regex or grammar that cannot be used."""
    return BadGrammar(
        say(
            "The form asked for cannot be kept by any reply.",
            "요구한 형식에 맞는 답을 만들 수 없습니다.",
        ),
        why,
        say(
            "Correct the schema, regex or grammar.",
            "스키마나 정규식, 문법을 고치세요.",
        ),
    )
