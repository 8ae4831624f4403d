"""What an assistant pack answers: its rules first, then its glossary, then its documents."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ondol import store
from ondol.files import storage_errors
from ondol.packs.glossary import asked_term, squeezed
from ondol.packs.pack import GLOSSARY, Pack, Rule
from ondol.reply import Limits, Reply
from ondol.retrieval.answering import quoted
from ondol.retrieval.asking import checked_question
from ondol.retrieval.library import Library
from ondol.retrieval.passage import Passage

if TYPE_CHECKING:
    from ondol.assistant import Assistant
    from ondol.bundle import Bundle
    from ondol.encoder import Encoder


class Origin(StrEnum):
    """Where an answer comes from."""

    RULE = "rule"
    GLOSSARY = "glossary"
    DOCUMENTS = "documents"
    NOTHING = "nothing"  # nothing in the pack answers, which is said


@dataclass(frozen=True, slots=True)
class PackAnswer:
    """An answer that stands word for word in the pack.

    Attributes:
        text: the answer.
        origin: where it comes from.
        source: which rule, term or document, with page and headings.
        document: the document's name in `documents/`; "" where it is from none.
        refuses: whether it declines the question.
        notice: what the pack shows with every answer.
        reply: a model's words beside a document's, made as they are read; None without a model.
    """

    text: str
    origin: Origin
    source: str
    document: str
    refuses: bool
    notice: str
    reply: Reply | None = None


class PackAssistant:
    """A pack at work: its documents are taken into a library of its own, once.

    Args:
        pack: the pack.
        encoder: what makes vectors for search, as of `Library.open`; None: words alone.
        model: who words an answer beside the quotation; None: quotations stand alone.
        library: the library's file; None: one in the store's `assistants`.

    Raises:
        LibraryError, StorageError: if the library cannot be used.
        DocumentError: if a document of the pack cannot be read.
    """

    def __init__(
        self,
        pack: Pack,
        *,
        encoder: "Encoder | Bundle | str | None" = None,
        model: "Assistant | None" = None,
        library: Path | None = None,
    ) -> None:
        self.pack = pack
        self._model = model
        path = library or library_path(pack)
        with storage_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._library = Library.open(path, encoder=encoder)
        try:
            self._ingest()
        except BaseException:
            self._library.close()
            raise
        self._rules = [(rule, [squeezed(word) for word in rule.when]) for rule in self._all_rules]

    def ask(self, question: str) -> PackAnswer:
        """Answer a question.

        Raises:
            BadPrompt: if it is empty or not Unicode.
            ContextFull: if a model is asked and has no room for question and passage.
        """
        question = checked_question(question)
        notice = self.pack.settings.notice
        rule = self._rule(squeezed(question))
        if rule is not None:
            return PackAnswer(rule.answer, Origin.RULE, rule.name, "", rule.refuses, notice)
        term = asked_term(question, self.pack.glossary)
        if term is not None:
            meaning = self.pack.glossary[term]
            source = f"{GLOSSARY} · {term}"
            return PackAnswer(meaning, Origin.GLOSSARY, source, "", False, notice)
        found = quoted(question, self._library, threshold=self.pack.settings.confidence)
        if not found.found:
            return PackAnswer(found.text, Origin.NOTHING, "", "", True, notice)
        passage = found.passages[0]
        document = Path(passage.document).name
        reply = None if self._model is None else self._worded(self._model, question, passage)
        return PackAnswer(
            found.quote, Origin.DOCUMENTS, found.source, document, False, notice, reply
        )

    def close(self) -> None:
        """Close the library."""
        self._library.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _all_rules(self) -> tuple[Rule, ...]:
        return self.pack.settings.rules

    def _rule(self, question: str) -> Rule | None:
        return next(
            (rule for rule, words in self._rules if any(word in question for word in words)), None
        )

    def _worded(self, model: "Assistant", question: str, passage: Passage) -> Reply:
        """A model's answer from a passage, by the pack's system prompt where it takes one."""
        settings = self.pack.settings
        plain = model.conversation("")
        talk = plain.branch(settings.system) if plain.chats else plain
        prompt = (
            "다음 글만 보고 질문에 답하세요.\n\n"
            f"{' > '.join(passage.headings)}\n{passage.text}\n\n질문: {question}\n답:"
        )
        stop = () if talk.chats else ("\n",)
        return talk.send(prompt, Limits(settings.sampling.max_tokens, stop), settings.chosen)

    def _ingest(self) -> None:
        documents: Mapping[str, Path] = self.pack.documents
        held = {each.document for each in self._library.documents()}
        wanted = {str(path) for path in documents.values()}
        self._library.remove(map(Path, held - wanted))
        if documents:
            done = self._library.ingest(documents.values())
            for failed in done.failed:
                raise failed.error


def library_path(pack: Pack) -> Path:
    """Where a pack's library lies: two packs of one name in different places have two."""
    place = hashlib.sha256(str(pack.folder).encode()).hexdigest()[:12]
    return store.home() / "assistants" / f"{pack.name}-{place}.db"
