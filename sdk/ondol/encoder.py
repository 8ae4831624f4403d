"""Text to vectors, classes and tags: an encoder of a bundle, open on a device."""

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from ondol import policy, registry
from ondol.batching import INPUTS, outputs
from ondol.bundle import Bundle
from ondol.choice import pick
from ondol.errors import BadPrompt, ContextFull, CorruptBundle, OptionError, WrongKind
from ondol.fitting import allowed_memory
from ondol.framed import Framed
from ondol.language import say
from ondol.model_facts import EncoderFacts
from ondol.plan import plan
from ondol.prompt import check_text
from ondol.stateless import Session
from ondol.tagging import Tag, joined
from ondol.tokenizer import Tokenizer
from ondol.windows import windows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

Kind = Literal["query", "passage"]
Long = Literal["refuse", "window"]


@dataclass(frozen=True, slots=True)
class Classified:
    """The likeliest label of a text, its probability, and those of every label in their order."""

    label: str
    score: float
    scores: tuple[float, ...]


class Encoder:
    """One encoder, open on one device. Not to be used from two threads at once.

    `most` are the tokens of a text that it reads: the model's, or fewer where the device's graphs
    have fixed lengths.
    """

    def __init__(self, bundle: Bundle, session: Session, tokenizer: Tokenizer, device: str) -> None:
        self.bundle = bundle
        self.facts: EncoderFacts = bundle.encoder
        self.session = session
        self.tokenizer = tokenizer
        self.device = device
        self.most = min(self.facts.context, session.longest or self.facts.context)
        self._check()

    @classmethod
    def open(
        cls,
        bundle: Bundle | str | os.PathLike[str],
        *,
        device: str | None = None,
        threads: int | None = None,
        spin: bool = True,
    ) -> Self:
        """Open a bundle's encoder on a device.

        Args:
            bundle: an opened bundle, or the path of one.
            device: a device by name: that one or an error; None: as `ondol.choice.pick` says.
            threads: None: as many as there are cores.
            spin: whether idle threads wait in a loop; False beside a user interface.

        Raises:
            BundleError: if the bundle cannot be read, does not hold, or is no encoder.
            DeviceError: if the device cannot be used, or runs text generators only.
            OptionError: if a setting cannot be met.
        """
        opened = bundle if isinstance(bundle, Bundle) else Bundle.open(Path(bundle))
        _ = opened.encoder
        policy.check(opened)  # before its tokenizer is parsed
        device = pick(opened).device if device is None else device
        runtime = registry.runtime(device)
        settings = allowed_memory(runtime, opened, plan(opened, None, threads, spin))
        opened.verify(["tokenizer.json"])
        tokenizer = Tokenizer(opened.read("tokenizer.json"))
        session = runtime.open_graph(opened, settings)
        try:
            return cls(opened, session, tokenizer, device)
        except BaseException:
            session.close()
            raise

    def embed(
        self, texts: Sequence[str], kind: Kind = "passage", *, long: Long = "refuse"
    ) -> "Floats":
        """Vectors of texts.

        Args:
            texts: any number; each is brought to NFC and gets the model's prefix of its kind.
            kind: whether they are searched for, or searched with.
            long: what is done with a text of more tokens than the model reads. "window" takes
                the mean of its parts' vectors, weighted by their tokens.

        Returns:
            float32 [texts, width], in their order; of length 1 where the model normalises.

        Raises:
            WrongKind: if the encoder does not embed.
            BadPrompt: if a text is empty or not Unicode.
            ContextFull: if a text is too long and `long` is "refuse"; nothing is cut in silence.
            OptionError: for another kind, or another `long`.
        """
        import numpy as np

        self._require("embed")
        prefix = self._prefix(kind)
        if long not in ("refuse", "window"):
            raise _unknown("long", long, "refuse, window")
        parts: list[Framed] = []
        owners: list[int] = []
        for number, text in enumerate(self._texts(texts)):
            if long == "window":
                found = windows(self.tokenizer, prefix, text, self.most)
            else:
                found = [self._fitting(prefix + text, number)]
            parts += found
            owners += [number] * len(found)
        vectors = self._run(parts, (self.facts.width,))
        if len(owners) == len(texts):
            return vectors
        sums = np.zeros((len(texts), self.facts.width), np.float64)
        weights = np.array([len(part.ids) for part in parts], np.float64)
        np.add.at(sums, owners, vectors * weights[:, None])
        sums /= np.bincount(owners, weights, len(texts))[:, None]
        if self.facts.normalised:
            sums /= np.linalg.norm(sums, axis=1, keepdims=True)
        return sums.astype(np.float32)

    def classify(self, texts: Sequence[str]) -> list[Classified]:
        """The label of each text.

        Raises:
            WrongKind: if the encoder does not classify.
            BadPrompt, ContextFull: as of `embed`.
        """
        self._require("classify")
        parts = [self._fitting(text, number) for number, text in enumerate(self._texts(texts))]
        rows = _softmax(self._run(parts, (len(self.facts.labels),)))
        best = rows.argmax(axis=1).tolist()
        return [
            Classified(self.facts.labels[at], float(row[at]), tuple(row.tolist()))
            for row, at in zip(rows, best, strict=True)
        ]

    def tag(self, texts: Sequence[str]) -> list[tuple[Tag, ...]]:
        """What is named in each text: spans with labels, such as people and places.

        Returns:
            Of each text its spans from left to right. Places are characters of the text in NFC.

        Raises:
            WrongKind: if the encoder does not tag.
            BadPrompt, ContextFull: as of `embed`.
        """
        self._require("tag")
        clean = self._texts(texts)
        parts = [self._fitting(text, number) for number, text in enumerate(clean)]
        found: list[tuple[Tag, ...]] = [()] * len(parts)
        for at, logits in outputs(self.session, parts, self.facts.pad):
            scores = _softmax(logits[: len(parts[at].ids)])
            found[at] = joined(clean[at], parts[at], scores, self.facts.labels)
        return found

    def close(self) -> None:
        """Free the device."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, parts: Sequence[Framed], shape: tuple[int, ...]) -> "Floats":
        """Rows of one shape, in the order of the parts."""
        import numpy as np

        rows = np.empty((len(parts), *shape), np.float32)
        for at, row in outputs(self.session, parts, self.facts.pad):
            rows[at] = row
        return rows

    def _texts(self, texts: Sequence[str]) -> list[str]:
        if isinstance(texts, str):
            raise OptionError(
                say("One text was given.", "글 하나가 그대로 들어왔습니다."),
                say("A list of texts is needed.", "글의 목록이 필요합니다."),
                'encoder.embed(["안녕"])',
            )
        found = []
        for number, text in enumerate(texts):
            check_text(text)
            if not text.strip():
                raise BadPrompt(
                    say(f"Text {number + 1} is empty.", f"{number + 1}번째 글이 비어 있습니다."),
                    say("It has no meaning to encode.", "담을 뜻이 없습니다."),
                    say("Leave it out.", "그 글을 빼세요."),
                )
            found.append(unicodedata.normalize("NFC", text))
        return found

    def _fitting(self, text: str, number: int) -> Framed:
        framed = self.tokenizer.frame(text)
        most = self.most
        if len(framed.ids) <= most:
            return framed
        raise ContextFull(
            say(
                f"Text {number + 1} has {len(framed.ids)} tokens; {most} are read here.",
                f"{number + 1}번째 글이 {len(framed.ids)}토큰입니다. 여기서는 {most}토큰까지.",
            ),
            say("Nothing is cut in silence.", "말없이 잘라 내지 않습니다."),
            say(
                'Split the text, or embed it with long="window".',
                '글을 나누거나 long="window"로 벡터를 만드세요.',
            ),
        )

    def _prefix(self, kind: str) -> str:
        prefixes = {"query": self.facts.query_prefix, "passage": self.facts.passage_prefix}
        if kind not in prefixes:
            raise _unknown("kind", kind, ", ".join(prefixes))
        return prefixes[kind]

    def _require(self, task: str) -> None:
        if self.facts.task != task:
            raise WrongKind(
                say(
                    f"{self.bundle.name} cannot {task}.",
                    f"{self.bundle.name}은(는) {task}에 쓸 수 없습니다.",
                ),
                say(
                    f"It was converted to {self.facts.task}.",
                    f"{self.facts.task}용으로 변환된 모델입니다.",
                ),
                f"encoder.{self.facts.task}(...)",
            )

    def _check(self) -> None:
        """Compare what the manifest says with the graph and the tokenizer."""
        names = {port.name for port in self.session.inputs}
        shape: Sequence[Any] = self.session.outputs[0].shape
        facts = self.facts
        width = facts.width if facts.task == "embed" else len(facts.labels)
        rank = 3 if facts.task == "tag" else 2
        fits = len(shape) == rank and shape[-1] in (width, None)
        fits = fits and self.tokenizer.size <= facts.vocabulary
        if names <= set(INPUTS) and "input_ids" in names and fits:
            return
        raise CorruptBundle(
            say(
                f"{self.bundle.name}: manifest, graph and tokenizer are of different models.",
                f"{self.bundle.name}: 목록, 그래프, 토크나이저가 서로 다른 모델의 것입니다.",
            ),
            f"{sorted(names)} → {list(shape)}, {width}; "
            f"{self.tokenizer.size} / {facts.vocabulary} tokens",
            say("Convert the model again.", "모델을 다시 변환하세요."),
        )


def _softmax(logits: "Floats") -> "Floats":
    import numpy as np

    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def _unknown(name: str, value: object, known: str) -> OptionError:
    return OptionError(
        say(f"No such {name}: {value!r:.40}.", f"{name}에 쓸 수 없는 값입니다: {value!r:.40}"),
        say(f"Known: {known}.", f"아는 값: {known}."),
    )
