"""Tensors that a model stores in another order than a product reads, as if they were in ours.

Views, as families name them:
    "transposed": [columns, rows], a Conv1D's (GPT-2). Plain numbers only; the source's tensor is
        held in memory while its rows are read, and let go after the last.
    "by_head": the rows of q, k and v of each head beside each other (GPT-NeoX); they come as all
        of q, all of k, all of v. Read as they are needed.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ondol.errors import UnsupportedTensor
from ondol.language import say
from ondol_converters.families.decoder import Decoder, Family
from ondol_converters.quantise.blocks import FLOAT_BYTES
from ondol_converters.sources import Source, SourceFile, TensorInfo, TokenizerFiles

Bytes = NDArray[np.uint8]


class ViewedSource(Source):
    """A source some of whose tensors are seen in another order; all else is the source's own.

    Args:
        source: what is read; it is closed with this one.
        views: the view of each such tensor, by its name.
        heads: how many heads a "by_head" tensor has.

    Raises:
        UnsupportedTensor: if a tensor cannot be seen so.
    """

    def __init__(self, source: Source, views: Mapping[str, str], heads: int) -> None:
        self.path = source.path
        self.format = source.format
        self.model_type = source.model_type
        self.config = source.config
        self._source = source
        self._heads = heads
        self._views = {
            name: view
            for name, view in views.items()
            if name in source.tensors and (view == "by_head" or len(source.tensors[name].shape) > 1)
        }
        self._held: tuple[str, NDArray[np.generic]] | None = None
        self.tensors = {name: self._seen(info) for name, info in source.tensors.items()}

    def _seen(self, info: TensorInfo) -> TensorInfo:
        view = self._views.get(info.name)
        if view == "transposed":
            if info.kind not in FLOAT_BYTES:
                raise _unseen(info)
            return replace(info, shape=info.shape[::-1])
        if view == "by_head" and info.shape[0] % (3 * self._heads):
            raise _unseen(info)
        return info

    def read(self, name: str, start: int = 0, stop: int | None = None) -> Bytes:
        """Raw bytes of rows [start, stop) of a tensor as it is seen."""
        info, view = self.tensors.get(name), self._views.get(name)
        if info is None or view is None:
            return self._source.read(name, start, stop)
        return READERS[view](self, info, start, stop)

    def transposed(self, info: TensorInfo, start: int, stop: int | None) -> Bytes:
        """Rows that are the source's columns."""
        if self._held is None or self._held[0] != info.name:
            raw = self._source.read(info.name)
            self._held = info.name, raw.view(f"<u{FLOAT_BYTES[info.kind]}")
        rows = range(*slice(start, stop).indices(info.shape[0]))
        part = np.ascontiguousarray(self._held[1][:, rows.start : rows.stop].T)
        if rows.stop == info.shape[0]:
            self._held = None
        return part.view(np.uint8)

    def by_head(self, info: TensorInfo, start: int, stop: int | None) -> Bytes:
        """Rows of q, then k, then v, each a run of the source's rows for every head."""
        size = info.shape[0] // (3 * self._heads)
        order = np.arange(info.shape[0]).reshape(self._heads, 3, size).swapaxes(0, 1).ravel()
        if len(info.shape) < 2:
            numbers = self._source.read(info.name).view(f"<u{FLOAT_BYTES[info.kind]}")
            return np.ascontiguousarray(numbers[:, order]).view(np.uint8)
        wanted = order[start:stop]
        runs = np.split(wanted, np.flatnonzero(np.diff(wanted) != 1) + 1)
        parts = [self._source.read(info.name, int(run[0]), int(run[-1]) + 1) for run in runs]
        return np.concatenate(parts)

    def tokenizer(self) -> TokenizerFiles:
        """The source's tokenizer."""
        return self._source.tokenizer()

    def files(self) -> tuple[SourceFile, ...]:
        """The source's files."""
        return self._source.files()

    def close(self) -> None:
        """Close the source."""
        self._source.close()


READERS: Mapping[str, Callable[[ViewedSource, TensorInfo, int, int | None], Bytes]] = {
    "transposed": ViewedSource.transposed,
    "by_head": ViewedSource.by_head,
}
"""How rows of each view are read."""


def viewed(source: Source, family: Family, decoder: Decoder, names: Mapping[str, str]) -> Source:
    """The source with its family's views; the source itself where it has none.

    Args:
        source: what is read.
        family: whose views.
        decoder: how many layers and heads there are.
        names: what the source calls its tensors, by our names.

    Raises:
        UnsupportedTensor: if a tensor cannot be seen so.
    """
    views: dict[str, str] = {}
    for name, view in family.views.get(source.format, {}).items():
        for i in range(len(decoder.layers)):
            stem = names[name].format(i=i)
            views |= {f"{stem}.weight": view, f"{stem}.bias": view}
    return ViewedSource(source, views, decoder.heads) if views else source


def _unseen(info: TensorInfo) -> UnsupportedTensor:
    return UnsupportedTensor(
        say(
            f"The tensor {info.name} cannot be put in order.",
            f"텐서 {info.name}의 순서를 바꿀 수 없습니다.",
        ),
        say(
            f"It is {info.shape}, stored as {info.kind}.",
            f"모양이 {info.shape}, 저장 방식이 {info.kind}입니다.",
        ),
        say("Use the model in F32, F16 or BF16.", "F32, F16, BF16으로 저장된 모델을 쓰세요."),
    )
