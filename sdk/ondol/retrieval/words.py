"""Texts to what is searched for: pairs of syllables, and how much of a question a passage holds.

Korean writes josa and endings onto words, and most nouns have two syllables. So the index holds
every pair of neighbouring syllables of a word: 수식 is found in 수식을, 수식이 and 계산수식.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_WORD = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]+|[^\W_가-힣ㄱ-ㅎㅏ-ㅣ]+")
_HANGUL = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")
_ASKING = re.compile(
    r"(?:무엇|무슨|뭐|뭔|어떻|어떤|어디|언제|누가|누구|왜|얼마|몇|알려|설명|말해|가르쳐|궁금|대해|대한|관해|관한"
    r"|하나요|하는지|합니까|인가요|입니까|인지|일까|될까|되나요|됩니까|있나요|있습니까|주세요|줘|줄래|좀|방법)[가-힣]*"
)
"""Words that ask, and say nothing of what is asked for."""
_ENDING = re.compile(
    r"(?<=[가-힣]{2})(?:(?:에서|에게|으로|까지|부터|에|로)?(?:은|는|도|만)|이|가|을|를|의|에|에서|에게|으로|로|과|와"
    r"|까지|부터|이나|나|이란|란|이라는|라는|인가요|입니까|이에요|예요|일까요|하는|하려면|하기|하나요|합니까)$"
)
"""Josa and endings, which a question need not share with what answers it."""
_ENGLISH_ASKING = frozenset(
    ("what", "how", "when", "where", "who", "why", "which", "is", "are", "do", "does", "can", "i")
    + ("the", "a", "an", "of", "to", "in", "for", "on", "me", "tell", "explain", "please")
)

SATURATION, LENGTH = 0.3, 0.2
"""BM25's k1 and b, tuned on half of the questions of `benchmarks/retrieval.py`."""
USUAL_LENGTH = 160.0
"""Characters of a passage that BM25 counts as neither short nor long."""


def words(text: str) -> list[str]:
    """Runs of Hangul, and of other letters and digits, in lower case."""
    return _WORD.findall(text.lower())


def index_terms(text: str) -> list[str]:
    """What a passage is found by: pairs of syllables, each word's last one, other words whole."""
    found: list[str] = []
    for word in words(text):
        if _HANGUL.match(word):
            found += [word[at : at + 2] for at in range(len(word))]
        else:
            found.append(word)
    return found


def asked_words(question: str) -> list[str]:
    """A question's words without those that only ask; all of them where nothing else is left."""
    found = words(question)
    kept = [word for word in found if not _ASKING.fullmatch(word) and word not in _ENGLISH_ASKING]
    return kept or found


def question_terms(asked: Sequence[str]) -> list[str]:
    """What the index is asked for: as `index_terms`, without a word's last syllable alone.

    A word of one syllable comes as itself: wherever it stands it begins a pair, or is the last.
    """
    found: dict[str, None] = {}
    for word in asked:
        if _HANGUL.match(word):
            found.update((word[at : at + 2], None) for at in range(max(1, len(word) - 1)))
        else:
            found[word] = None
    return list(found)


def rarity(documents: int, total: int) -> float:
    """BM25's weight of a term that so many of all passages hold."""
    return math.log(1 + (total - documents + 0.5) / (documents + 0.5))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a passage, with weights.

    `terms` are the pairs of syllables of its words without josa, and its other words; `runs` are
    of three characters, across its words as they are.
    """

    terms: Mapping[str, float]
    runs: Mapping[str, float]

    @classmethod
    def of(cls, asked: Sequence[str], weight: Callable[[str], float]) -> "Wanted":
        """Weigh a question.

        Args:
            asked: its words.
            weight: of a term, as `rarity` says it.
        """
        line = " ".join(asked)
        sums, counts = [0.0] * len(line), [0] * len(line)
        at = 0
        for word in asked:
            hangul = bool(_HANGUL.match(word))
            size = 2 if hangul else len(word)
            for first in range(max(1, len(word) - size + 1)):
                value = weight(word[first : first + size])
                for place in range(at + first, min(at + first + size, at + len(word))):
                    sums[place] += value
                    counts[place] += 1
            at += len(word) + 1
        runs: dict[str, float] = {}
        for first in range(max(1, len(line) - 2)):
            places = [p for p in range(first, min(first + 3, len(line))) if counts[p]]
            weights = [sums[p] / counts[p] for p in places]
            runs[line[first : first + 3]] = sum(weights) / max(1, len(weights))
        stems = [_ENDING.sub("", word) for word in asked]
        return cls({term: weight(term) for term in question_terms(stems)}, runs)

    def measure(self, text: str) -> tuple[float, float]:
        """How well a passage fits, and how much of the question's terms it holds; both 0 to 1.

        The first is BM25 over the runs, divided by what a passage with all of them could have.
        """
        line = " ".join(words(text))
        norm = SATURATION * (1 - LENGTH + LENGTH * len(line) / USUAL_LENGTH)
        found = 0.0
        for run, weight in self.runs.items():
            times = line.count(run)
            if times:
                found += weight * times / (times + norm)
        held = sum(weight for term, weight in self.terms.items() if term in line)
        return _part(found, self.runs), _part(held, self.terms)


def _part(found: float, of: Mapping[str, float]) -> float:
    whole = sum(of.values())
    return found / whole if whole else 0.0
