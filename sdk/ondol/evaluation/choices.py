"""Multiple-choice items answered in two ways, both reported.

By likelihood: the choices are not shown; the answer is the choice whose text the model finds
likeliest after the question, by the mean logarithm of its probability over its characters.
By letter: the choices are shown as A, B, C …; the answer is the likeliest letter.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ondol.errors import ContextFull, OptionError
from ondol.evaluation.alignment import log_probabilities
from ondol.evaluation.scoring import OpenModel, chunk_tokens
from ondol.evaluation.tasks import LETTERS, Item, Task
from ondol.language import say
from ondol.quality import Accuracy, KindAccuracy, TaskQuality

CONTEXT, QUESTION, ANSWER = "지문: {}\n", "질문: {}\n", "정답:"
CHOICE = "{}. {}\n"
PROMPT = "지문: …\\n질문: …\\n[A. …\\nB. …\\n]정답:"
"""How an item is put, as the report says it; the choices by letter only."""

WILSON_Z = 1.959964  # 95 % of a normal distribution

Progress = Callable[[int, int], None]
"""Called with answers given and answers in all: two for each item."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model chose for an item, from 0, in either way."""

    item: Item
    likelihood: int
    letter: int


def run_task(
    model: OpenModel, task: Task, shots: int = 0, seed: int = 0, progress: Progress | None = None
) -> TaskQuality:
    """Answer every item of a task; what the session held is forgotten.

    Args:
        model: an open decoder and its tokenizer.
        task: see `ondol.evaluation.tasks.read_task`.
        shots: solved items before each question: of those marked `fewshot` where there are any,
            else of the others, and those are not asked then.
        seed: draws the shots.

    Raises:
        OptionError: if there are fewer items than shots.
        ContextFull: if an item does not fit the context, naming it.
    """
    examples, asked = _drawn(task, shots, seed)
    runner, done = _Runner(model, examples), 0
    chosen: dict[bool, list[int]] = {False: [], True: []}
    for lettered, made in chosen.items():  # one after the other: examples stay in the cache
        for item in asked:
            made.append(runner.answer(item, lettered))
            done += 1
            if progress:
                progress(done, 2 * len(asked))
    answers = list(map(Answer, asked, chosen[False], chosen[True]))
    kinds = dict.fromkeys(item.kind for item in asked)
    return TaskQuality(
        file=task.file,
        prompt=PROMPT,
        shots=shots,
        seed=seed,
        chance=sum(1 / len(item.choices) for item in asked) / len(asked),
        likelihood=by_likelihood(answers),
        letter=by_letter(answers),
        kinds=tuple(
            KindAccuracy(kind, by_likelihood(found), by_letter(found))
            for kind in kinds
            if (found := [each for each in answers if each.item.kind == kind])
        ),
    )


def by_likelihood(answers: Sequence[Answer]) -> Accuracy:
    """How many were right by the likelihood of the choices."""
    return accuracy([each.likelihood == each.item.answer for each in answers])


def by_letter(answers: Sequence[Answer]) -> Accuracy:
    """How many were right by the likeliest letter."""
    return accuracy([each.letter == each.item.answer for each in answers])


def accuracy(right: Sequence[bool]) -> Accuracy:
    """The share of right answers (at least one) and its Wilson score interval of 95 %."""
    n, z = len(right), WILSON_Z
    share = sum(right) / n
    middle = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = ((middle + sign * spread) / (1 + z * z / n) for sign in (-1, 1))
    return Accuracy(sum(right), n, share, max(low, 0.0), min(high, 1.0))


def _drawn(task: Task, shots: int, seed: int) -> tuple[list[Item], list[Item]]:
    """The items to show as examples, and those to ask."""
    marked = [item for item in task.items if item.fewshot]
    pool = marked or list(task.items)
    spare = len(pool) if marked else len(pool) - 1
    if not 0 <= shots <= spare:
        raise OptionError(
            say(
                f"There are no {shots} examples to show.", f"예시 {shots}개를 보여 줄 수 없습니다."
            ),
            say(
                f"{task.file.name} has {spare} items for that.",
                f"{task.file.name}에서 예시로 쓸 수 있는 문항은 {spare}개입니다.",
            ),
            "--shots 0",
        )
    examples = random.Random(seed).sample(pool, shots)
    shown = {item.id for item in examples}
    return examples, [item for item in task.items if not item.fewshot and item.id not in shown]


def put(item: Item, *, lettered: bool) -> str:
    """An item as a prompt, up to where the answer is to follow."""
    lines = [CONTEXT.format(item.context)] if item.context else []
    lines.append(QUESTION.format(item.question))
    if lettered:
        lines += [CHOICE.format(LETTERS[i], each) for i, each in enumerate(item.choices)]
    return "".join([*lines, ANSWER])


def solved(item: Item, *, lettered: bool) -> str:
    """An item with its answer, as an example."""
    said = LETTERS[item.answer] if lettered else item.choices[item.answer]
    return f"{put(item, lettered=lettered)} {said}\n\n"


class _Runner:
    """Answers items on one session, and keeps in its cache what the next shares."""

    def __init__(self, model: OpenModel, examples: Sequence[Item]) -> None:
        self._session, self._tokenizer = model.session, model.tokenizer
        self._session.rewind(0)
        self._held: list[int] = []
        self._step = chunk_tokens(model.session)
        self._shown = {
            lettered: "".join(solved(item, lettered=lettered) for item in examples)
            for lettered in (False, True)
        }

    def answer(self, item: Item, lettered: bool) -> int:
        """The place of the likeliest choice, by its letter or by its text."""
        try:
            if lettered:
                letters = LETTERS[: len(item.choices)]
                found = [self._logarithm(item, f" {each}", True) for each in letters]
            else:
                found = [
                    self._logarithm(item, f" {each}", False) / len(each) for each in item.choices
                ]
        except ContextFull as exc:
            raise ContextFull(
                say(
                    f"Item {item.id} does not fit the context of {self._session.context} tokens.",
                    f"{item.id} 문항이 {self._session.context}토큰 문맥에 들어가지 않습니다.",
                ),
                exc.what,
                say(
                    "Use fewer --shots, or convert with a larger --context.",
                    "--shots를 줄이거나 --context를 더 크게 해서 변환하세요.",
                ),
            ) from exc
        return found.index(max(found))

    def _logarithm(self, item: Item, ending: str, lettered: bool) -> float:
        """The natural logarithm of the probability of an ending after an item's prompt."""
        prompt = self._shown[lettered] + put(item, lettered=lettered)
        tokenizer = self._tokenizer
        begin = [] if tokenizer.bos is None else [tokenizer.bos]
        before = begin + tokenizer.encode(prompt)
        whole = begin + tokenizer.encode(prompt + ending)
        start = max(_common(before, whole), 1)  # tokens may join where the ending begins
        self._hold(whole[: start - 1])
        total = 0.0
        for at in range(start - 1, len(whole) - 1, self._step):
            given = whole[at : min(at + self._step, len(whole) - 1)]
            rows = self._session.append_all(given)
            self._held += given
            total += sum(
                float(log_probabilities(row)[token])
                for row, token in zip(rows, whole[at + 1 :], strict=False)
            )
        return total

    def _hold(self, ids: list[int]) -> None:
        """Let the cache hold just these tokens, running what it lacks of them."""
        kept = _common(self._held, ids)
        self._session.rewind(kept)
        del self._held[kept:]
        if ids[kept:]:
            self._session.append(ids[kept:])
            self._held += ids[kept:]


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many leading tokens two runs share."""
    most = min(len(first), len(second))
    return next((i for i in range(most) if first[i] != second[i]), most)
