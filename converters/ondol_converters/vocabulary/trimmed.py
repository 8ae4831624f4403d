"""A source with fewer tokens: the rows of a cut vocabulary, read from the whole one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ondol.evaluation.text import Text
from ondol_converters.families import recognise
from ondol_converters.recipe import Options
from ondol_converters.sources import Json, Source, SourceFile, TensorInfo, TokenizerFiles
from ondol_converters.texts import load
from ondol_converters.vocabulary.cutting import Cut, cut_tokenizer
from ondol_converters.vocabulary.fitting import fitted

if TYPE_CHECKING:
    from numpy.typing import NDArray

TABLES, BIASES = ("embedding", "head"), ("head_bias",)
"""By our names: matrices with a row, and vectors with a value, for each token."""

READ_BYTES = 8 << 20


def trim(source: Source, options: Options, texts: Sequence[Text] | None = None) -> Source:
    """A source with the vocabulary that options ask for: itself where that is the full one.

    Args:
        source: the whole model.
        options: `vocabulary`, `hanja`, `coverage` and, without `texts`, `calibration` are read.
        texts: what "ko-en-compact" learns from; else the files of `calibration`, or Ondol's own.

    Raises:
        SourceError: if the model's family or its kind of vocabulary is not known.
        CorruptSource: if tokenizer and embedding do not go together.
        BadText: if a text cannot be read.
    """
    if options.vocabulary == "full":
        return source
    decoder, names = recognise(source)
    files = fitted(source.tokenizer(), decoder.vocabulary)
    ends = [*files.eos, *([] if files.bos is None else [files.bos])]
    cut = cut_tokenizer(
        files.json, options, [text.text for text in texts or learnt_from(options)], ends
    )
    return TrimmedSource(source, names, files, cut)


def learnt_from(options: Options) -> tuple[Text, ...]:
    """The texts that a vocabulary is learnt from; none where it is not learnt."""
    return load(options.calibration).texts if options.vocabulary == "ko-en-compact" else ()


class TrimmedSource(Source):
    """A source whose tables of tokens have only the rows of a cut, in the order of new ids.

    Args:
        source: the whole model; closing this one closes it.
        names: the family's names of tensors in the source's format.
        files: the source's tokenizer.
        cut: which tokens are kept.
    """

    def __init__(
        self, source: Source, names: Mapping[str, str], files: TokenizerFiles, cut: Cut
    ) -> None:
        self.path, self.format, self.model_type = source.path, source.format, source.model_type
        self.source, self.cut = source, cut
        self._tables = {names[table] for table in TABLES if table in names}
        self._biases = {names[bias] for bias in BIASES if bias in names}
        self.tensors: Mapping[str, TensorInfo] = {
            name: self._narrowed(info) for name, info in source.tensors.items()
        }
        self.config: Mapping[str, Json] = {
            key: self._id(value) if key.endswith("_token_id") else value
            for key, value in source.config.items()
        } | {"vocab_size": len(cut.kept)}
        new = (cut.new(token) for token in files.eos)
        self._tokenizer = replace(
            files,
            json=cut.json,
            bos=None if files.bos is None else cut.new(files.bos),
            eos=tuple(token for token in new if token is not None),
        )

    def _narrowed(self, info: TensorInfo) -> TensorInfo:
        if info.name not in self._tables | self._biases:
            return info
        return replace(info, shape=(len(self.cut.kept), *info.shape[1:]))

    def _id(self, value: Json) -> Json:
        if isinstance(value, list):
            return [new for one in value if (new := self._id(one)) is not None]
        return self.cut.new(value) if isinstance(value, int) else value

    def read(self, name: str, start: int = 0, stop: int | None = None) -> "NDArray[np.uint8]":
        """Raw bytes of rows [start, stop) of a tensor, uint8 of shape [rows, bytes per row].

        Raises:
            CorruptSource: if the file ends before the rows do.
        """
        kept = self.cut.kept
        if name in self._biases:  # one row of as many values as there are tokens
            values = self.source.read(name).reshape(self.source.tensors[name].shape[0], -1)
            return values[kept].reshape(1, -1)[start:stop]
        if name not in self._tables:
            return self.source.read(name, start, stop)
        return np.concatenate([*self._runs(name, kept[start:stop])])

    def _runs(self, name: str, rows: "NDArray[np.int64]") -> "list[NDArray[np.uint8]]":
        """Rows by rising number, read a few megabytes at a time."""
        width = self.source.read(name, 0, 1).shape[1]
        span = max(1, READ_BYTES // width)
        found = [np.empty((0, width), np.uint8)]
        while len(rows):
            first = int(rows[0])
            here = int(np.searchsorted(rows, first + span))
            last = int(rows[here - 1]) + 1
            found.append(self.source.read(name, first, last)[rows[:here] - first])
            rows = rows[here:]
        return found

    def tokenizer(self) -> TokenizerFiles:
        """The tokenizer with the kept tokens, under their new ids."""
        return self._tokenizer

    def files(self) -> tuple[SourceFile, ...]:
        """The whole source's files with sizes and hashes."""
        return self.source.files()

    def close(self) -> None:
        """Close the whole source."""
        self.source.close()
