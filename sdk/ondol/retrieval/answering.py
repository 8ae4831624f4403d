"""Answers from a library: the sentence that answers, word for word, and where it stands.

The quoted sentence needs no generative model. With one, its answer comes beside the quotation, made
from the passages found and nothing else; what documents say never becomes a special token, for they
go through the model's own chat template as a user's text does.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ondol.engine import Engine
from ondol.errors import ContextFull
from ondol.reply import Limits, Reply
from ondol.retrieval.library import Library
from ondol.retrieval.passage import Passage
from ondol.retrieval.searching import WEIGHT
from ondol.retrieval.sentences import by_rule
from ondol.retrieval.words import Wanted, asked_words
from ondol.sampling import Sampling
from ondol.session import Conversation

NOT_FOUND = "문서에서 찾지 못했습니다."
NOT_FOUND_ENGLISH = "Not found in the documents."

SYSTEM = (
    "당신은 한국어로 짧고 정확하게 답하는 도우미입니다. 주어진 대목에 있는 내용으로만 답합니다."
)
"""The system prompt of an answer from documents."""

LIKENESS, SHARED, BIAS = 44.9, 3.4, -42.4
"""Confidence is the logistic function of these: fitted on half of `benchmarks/retrieval.py`."""
SHARED_ALONE, BIAS_ALONE = 5.9, -4.4
"""The same where there are no vectors."""
THRESHOLD = 0.5
"""The confidence below which a question counts as not answered by the documents."""
READ = 3
"""Passages whose sentences are compared, and that a model is given."""
MOST_TOKENS = 200

_HANGUL = re.compile("[가-힣]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a library says to a question.

    Attributes:
        question: what was asked.
        found: whether the documents answer it.
        quote: the best sentence, word for word as it stands in `passages[0]`; "" if not found.
        passages: what the answer rests on, the quoted one first; those nearest if not found.
        confidence: 0 to 1; `found` from `THRESHOLD` on.
        reply: a model's answer, made as it is read; None without a model or if not found.
    """

    question: str
    found: bool
    quote: str
    passages: tuple[Passage, ...]
    confidence: float
    reply: Reply | None = None

    @property
    def text(self) -> str:
        """The quoted sentence, or that nothing was found, in the question's language."""
        if self.found:
            return self.quote
        return NOT_FOUND if _HANGUL.search(self.question) else NOT_FOUND_ENGLISH

    @property
    def source(self) -> str:
        """Where the quotation stands: document, page, headings; "" if nothing was found."""
        return self.passages[0].source if self.found else ""


def answer(
    model: Conversation | Engine | None,
    question: str,
    library: Library,
    *,
    k: int = 5,
    sampling: Sampling | None = None,
    limits: Limits | None = None,
) -> Answer:
    """Answer a question from a library.

    Args:
        model: what words an answer: an engine, or a conversation whose model is used; None: the
            quotation stands alone.
        question: in any language the library's encoder knows.
        library: where the answer is looked for.
        k: how many passages the answer names.
        sampling, limits: of the model's reply; None: its own, and `MOST_TOKENS` tokens.

    Raises:
        BadPrompt: if the question is empty or not Unicode.
        ContextFull: if the question and one passage leave the model no room.
        LibraryError, StorageError: if the library cannot be read.
        BundleError, DeviceError, MissingExtra: if its encoder cannot be opened.
    """
    found = quoted(question, library, k)
    return found if model is None else worded(found, model, sampling=sampling, limits=limits)


def quoted(question: str, library: Library, k: int = 5, *, threshold: float = THRESHOLD) -> Answer:
    """The answer word for word as it stands in a document; no model writes. Raises as `answer`."""
    passages = library.search(question, k)
    sure = confidence(passages[0]) if passages else 0.0
    if sure < threshold:
        return Answer(question, False, "", tuple(passages), sure)
    best, quote = _quote(question, passages[:READ], library)
    ordered = (best, *(each for each in passages if each is not best))
    return Answer(question, True, quote, ordered, sure)


def worded(
    found: Answer,
    model: Conversation | Engine,
    *,
    sampling: Sampling | None = None,
    limits: Limits | None = None,
) -> Answer:
    """An answer with a model's reply beside the quotation; none where nothing was found.

    Raises:
        ContextFull: if the question and one passage leave the model no room.
        TemplateError: if the model's template does not take them.
    """
    if not found.found:
        return found
    talk = Conversation(model) if isinstance(model, Engine) else model
    reply = _reply(talk, found.question, found.passages[:READ], sampling, limits)
    return replace(found, reply=reply)


def confidence(passage: Passage) -> float:
    """How sure it is that a passage answers the question that it was found for, 0 to 1."""
    if passage.likeness is None:
        weighed = SHARED_ALONE * passage.shared + BIAS_ALONE
    else:
        weighed = LIKENESS * passage.likeness + SHARED * passage.shared + BIAS
    return 1 / (1 + math.exp(-weighed))


def _quote(question: str, passages: Sequence[Passage], library: Library) -> tuple[Passage, str]:
    """The sentence that fits a question best, and its passage."""
    wanted = Wanted.of(asked_words(question), lambda term: 1.0)
    found = [
        (passage, passage.text[start:end])
        for passage in passages
        for start, end in by_rule(passage.text)
    ]
    cosines = library.likeness(question, [text for _, text in found])
    scores = [
        passage.score
        + WEIGHT * sum(wanted.measure(text))
        + (0.0 if cosines is None else cosines[at])
        for at, (passage, text) in enumerate(found)
    ]
    return found[max(range(len(found)), key=scores.__getitem__)]


def _reply(
    talk: Conversation,
    question: str,
    passages: Sequence[Passage],
    sampling: Sampling | None,
    limits: Limits | None,
) -> Reply:
    """A model's answer from as many of the passages as its context holds."""
    bounds = limits or Limits(MOST_TOKENS, () if talk.chats else ("\n",))
    branch = Conversation(talk.engine, system=SYSTEM, sampling=talk.sampling)
    while True:
        try:
            return branch.send(_prompt(question, passages), bounds, sampling)
        except ContextFull:
            if len(passages) == 1:
                raise
            passages = passages[:-1]


def _prompt(question: str, passages: Sequence[Passage]) -> str:
    """Passages, numbered as they are cited, and the question."""
    listed = "\n\n".join(
        f"[{number}] {' > '.join(each.headings)}\n{each.text}"
        for number, each in enumerate(passages, 1)
    )
    return f"다음 대목을 읽고 질문에 답하세요.\n\n{listed}\n\n질문: {question}\n답:"
