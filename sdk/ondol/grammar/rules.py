"""What a reply can be asked to be: JSON, a regex, one of several texts, or a Lark grammar.

Each is an `ondol.constraint.Rule`, for `Engine.reply(constraint=...)`. Literal text of a rule is
brought to NFC, and what JSON strings and regexes leave open is NFC too (see `normal`).
"""

import json
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Sequence

from ondol.constraint import Constraint
from ondol.errors import BadGrammar
from ondol.grammar.guided import Guided
from ondol.grammar.kinds import Schema, schema_of
from ondol.grammar.normal import FREE
from ondol.grammar.schemas import prepared
from ondol.grammar.vocabulary import bad_grammar, vocabulary
from ondol.language import say
from ondol.prompt import check_text
from ondol.tokenizer import Tokenizer

LONGEST = 200_000  # characters of a regex, of all choices, or of a grammar


class Grammar(ABC):
    """A rule that llguidance holds replies to."""

    def over(self, tokenizer: Tokenizer, /) -> Constraint:
        """A fresh constraint for one reply.

        Raises:
            BadGrammar: if no text in this tokenizer's tokens fulfils it.
            MissingExtra: if llguidance is not installed.
        """
        return self.follow(tokenizer)

    def follow(self, tokenizer: Tokenizer, *, inside: bool = False) -> Guided:
        """As `over`; with `inside` the text begins behind other text of the same reply."""
        words = vocabulary(tokenizer)
        grammars = [{"name": "body", "lark_grammar": self.lark}]
        # The text of a reply loses its first space where the tokenizer strips one
        space = '" " ' if words.strips_space and not inside else ""
        grammars.insert(0, {"name": "reply", "lark_grammar": f"start: {space}@body"})
        return Guided(words, words.matcher(json.dumps({"grammars": grammars})))

    @property
    @abstractmethod
    def lark(self) -> str:
        """The rule as llguidance's Lark."""


class Json(Grammar):
    """JSON that is valid by a schema; strings in it are NFC and hold whole syllables.

    Objects that name their properties hold no others unless `additionalProperties` says so, whole
    numbers lie within 2^53 and others within 10^15 where the schema sets no bounds, and one
    space follows each colon and comma.

    Args:
        schema: a JSON Schema (draft 2020-12, as far as llguidance goes), a dataclass, a pydantic
            model, or what such a field may hold, such as `list[int]`.

    Raises:
        BadGrammar: if the schema is none, is too large, has no instance, or uses what cannot be
            kept to (`not`, `if`, `uniqueItems`, look-around in patterns).
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema_of(schema)
        self._prepared = prepared(self.schema)

    @property
    def lark(self) -> str:
        """The schema as llguidance's Lark."""
        return "start: %json " + json.dumps(self._prepared, ensure_ascii=False)


class Regex(Grammar):
    """A whole text that a regex matches, in the syntax of Rust's regex crate; always NFC.

    No look-around and no back-references: time is linear in the text.

    Raises:
        BadGrammar: if it is empty or too long.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = _checked(pattern)

    @property
    def lark(self) -> str:
        """The regex as llguidance's Lark."""
        from llguidance import regex_to_lark

        return f"start: TEXT\nTEXT: /{regex_to_lark(self.pattern, '')}/s & /{FREE}*/"


class Choices(Grammar):
    """One of several texts, such as `Choices(["긍정", "부정", "중립"])`.

    Raises:
        BadGrammar: if there is none, or one is empty.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        if isinstance(texts, str) or not texts:
            raise bad_grammar(say("There is nothing to choose from.", "고를 것이 없습니다."))
        self.texts = tuple(dict.fromkeys(_checked(text) for text in texts))
        if sum(map(len, self.texts)) > LONGEST:
            raise _too_long(sum(map(len, self.texts)))

    @property
    def lark(self) -> str:
        """The choices as llguidance's Lark."""
        return "start: TEXT\nTEXT: " + " | ".join(
            json.dumps(text, ensure_ascii=False) for text in self.texts
        )


class Lark(Grammar):
    """A text of a context-free grammar in llguidance's dialect of Lark, with a rule `start`.

    What its patterns leave open is not kept to NFC: `/[가-힣]+/` is whole syllables, `/.+/` is
    whatever the model writes.

    Raises:
        BadGrammar: if it is empty or too long.
    """

    def __init__(self, grammar: str) -> None:
        self.grammar = _checked(grammar)

    @property
    def lark(self) -> str:
        """The grammar itself."""
        return self.grammar


def _checked(text: object) -> str:
    if not isinstance(text, str) or not text:
        raise bad_grammar(
            say(f"A text was expected, not {text!r:.60}.", f"글이 와야 합니다: {text!r:.60}")
        )
    check_text(text)
    if len(text) > LONGEST:
        raise _too_long(len(text))
    return unicodedata.normalize("NFC", text)


def _too_long(size: int) -> BadGrammar:
    return bad_grammar(
        say(
            f"It has {size} characters; {LONGEST} are the most.",
            f"{size}자입니다. {LONGEST}자까지 됩니다.",
        )
    )
