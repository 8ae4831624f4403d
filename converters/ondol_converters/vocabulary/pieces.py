"""A `tokenizer.json`, read for cutting: what each token is, and what it is made of."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ondol.errors import CorruptSource, SourceError
from ondol.language import say
from ondol.tokenizer import byte_level
from ondol_converters.sources import Json

KINDS = ("BPE", "Unigram", "WordPiece")
SPACE = "\u2581"
BYTES = {f"<0x{byte:02X}>": bytes([byte]) for byte in range(256)}

Pair = tuple[str, str]


@dataclass(frozen=True)
class Pieces:
    """The tokens of a `tokenizer.json` and its merges.

    Attributes:
        text: the file.
        whole: the file, parsed.
        kind: BPE, Unigram or WordPiece.
        tokens: texts by id, in the order of ids; added tokens among them.
        scores: of a Unigram vocabulary, natural logarithms by id; else empty.
        merges: of a BPE vocabulary, first merges first; else empty.
        added: ids of tokens that are found in a text before anything else; special ones among them.
    """

    text: str
    whole: Mapping[str, Json]
    kind: str
    tokens: Mapping[int, str]
    scores: Mapping[int, float]
    merges: Sequence[Pair]
    added: frozenset[int]

    @cached_property
    def ids(self) -> Mapping[str, int]:
        """Ids by text."""
        return {text: number for number, text in self.tokens.items()}

    @cached_property
    def byte_level(self) -> bool:
        """Whether tokens are spelt in letters that stand for bytes."""
        parts = (self.whole.get(name) for name in ("pre_tokenizer", "normalizer", "decoder"))
        return any(part.get("type") == "ByteLevel" for whole in parts for part in _steps(whole))

    @cached_property
    def prefix(self) -> str:
        """What a token that goes on inside a word begins with, such as ##; may be empty."""
        model = self.whole["model"]
        found = model.get("continuing_subword_prefix") if isinstance(model, dict) else None
        return found if isinstance(found, str) else ""

    def spelt(self, number: int) -> bytes:
        """The UTF-8 that a token stands for, which may begin or end inside a character."""
        text = self.tokens[number]
        if number in self.added:
            return text.encode()
        if self.byte_level:
            return byte_level(text)
        if text in BYTES:
            return BYTES[text]
        return text.removeprefix(self.prefix).replace(SPACE, " ").encode()

    @cached_property
    def needed(self) -> frozenset[int]:
        """Tokens without which some text could not be encoded, or would be otherwise.

        Byte tokens, the unknown token, and of a Unigram vocabulary the piece with the lowest
        score: what an unknown character costs is reckoned from it.
        """
        found = {self.ids[text] for text in BYTES if text in self.ids}
        if self.byte_level:
            found |= {number for number in self.tokens if len(self.spelt(number)) == 1}
        if self.scores:
            found.add(min(self.scores, key=self.scores.__getitem__))
        unknown = self._unknown()
        return frozenset(found if unknown is None else found | {unknown})

    def _unknown(self) -> int | None:
        model = self.whole["model"]
        if not isinstance(model, dict):
            return None
        number = model.get("unk_id")
        if isinstance(number, int):
            return number
        return self.ids.get(str(model.get("unk_token")))

    def parents(self, number: int) -> tuple[int, ...]:
        """The two tokens that merging joins last to make this one; none where it makes it never."""
        pairs = self._pairs.get(number, [])
        pair = pairs[0] if len(pairs) < 2 else self._last_pair(self.tokens[number])
        return () if pair is None else (self.ids[pair[0]], self.ids[pair[1]])

    @cached_property
    def _pairs(self) -> Mapping[int, list[Pair | None]]:
        found: dict[int, list[Pair | None]] = {number: [None] for number in self.tokens}
        for left, right in self.merges:
            made = found[self.ids[left + right.removeprefix(self.prefix)]]
            if made[0] is None:
                made[0] = (left, right)
            else:
                made.append((left, right))
        return found

    @cached_property
    def _ranks(self) -> Mapping[Pair, int]:
        return {pair: rank for rank, pair in reversed(list(enumerate(self.merges)))}

    def _last_pair(self, text: str) -> Pair | None:
        """Of several ways to make a token, the one that merging takes."""
        parts, none = list(text), len(self.merges)
        while len(parts) > 2:
            ranks = [self._ranks.get(pair, none) for pair in zip(parts, parts[1:], strict=False)]
            best = min(ranks)
            if best == none:
                return None
            at = ranks.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        pair = (parts[0], parts[1])
        return pair if pair in self._ranks else None


def read_pieces(text: str) -> Pieces:
    """The tokens of a `tokenizer.json`.

    Raises:
        SourceError: if its model is none of BPE, Unigram and WordPiece.
        CorruptSource: if it contradicts itself.
    """
    try:
        whole = json.loads(text)
        model = whole["model"]
        kind = model.get("type") or ("BPE" if "merges" in model else None)
        if kind not in KINDS:
            raise SourceError(
                say(
                    f"A vocabulary of the kind {kind!r:.40} cannot be cut.",
                    f"{kind!r:.40} 종류의 어휘는 줄일 수 없습니다.",
                ),
                say(f"Known: {', '.join(KINDS)}.", f"아는 종류: {', '.join(KINDS)}."),
                "--vocabulary full",
            )
        scores: dict[int, float] = {}
        if kind == "Unigram":
            found = {number: str(piece) for number, (piece, _) in enumerate(model["vocab"])}
            scores = {number: float(score) for number, (_, score) in enumerate(model["vocab"])}
        else:
            found = {int(number): str(piece) for piece, number in model["vocab"].items()}
        if len(found) != len(model["vocab"]):
            raise ValueError("two tokens have one id")
        added = {int(one["id"]): str(one["content"]) for one in whole.get("added_tokens") or ()}
        tokens = dict(sorted((found | added).items()))
        merges = [_pair(line) for line in model.get("merges") or ()]
        pieces = Pieces(text, whole, kind, tokens, scores, merges, frozenset(added))
        _check(pieces)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise CorruptSource(
            say(
                "The tokenizer.json contradicts itself.",
                "tokenizer.json의 내용이 서로 맞지 않습니다.",
            ),
            f"{type(exc).__name__}: {exc!s:.200}",
            say("Download the model again.", "모델을 다시 내려받으세요."),
        ) from exc
    return pieces


def _check(pieces: Pieces) -> None:
    if any(number < 0 for number in pieces.tokens) or len(pieces.ids) != len(pieces.tokens):
        raise ValueError("one token has two ids, or an id below 0")
    for left, right in pieces.merges:
        for part in (left, right, left + right.removeprefix(pieces.prefix)):
            if part not in pieces.ids:
                raise ValueError(f"a merge needs the token {part!r}")


def _pair(line: str | Sequence[str]) -> Pair:
    left, right = line.split(" ") if isinstance(line, str) else line
    return str(left), str(right)


def _steps(whole: Json) -> Iterator[Mapping[str, Json]]:
    """A step of a tokenizer and the steps inside it."""
    if isinstance(whole, dict):
        yield whole
        for name in ("pretokenizers", "normalizers", "decoders"):
            inner = whole.get(name)
            for one in inner if isinstance(inner, list) else ():
                yield from _steps(one)
