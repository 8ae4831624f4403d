"""What a bundle is put together from, and how its folder is written."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from ondol import __version__, policy
from ondol.bundle import Bundle, entry_of
from ondol.device import Needs
from ondol.evaluation.text import Text
from ondol.files import replaced_folder, write_whole
from ondol.manifest import (
    MANIFEST,
    VERSION,
    Defaults,
    Licence,
    Manifest,
    Origin,
    Recipe,
    Variant,
)
from ondol.model_facts import ModelFacts
from ondol.target_reports import NpuReport, OneReport
from ondol.tokenizer import Tokenizer
from ondol.tokenizing.layout import TABLE
from ondol_converters.families.decoder import Decoder
from ondol_converters.genai import genai_texts
from ondol_converters.graph.decoder import DecoderWeights, draw
from ondol_converters.graph.prefill import draw_prefill
from ondol_converters.graph.weights import WeightsFile
from ondol_converters.hub.record import provenance
from ondol_converters.licences.terms import Terms as Terms
from ondol_converters.npu import with_npu
from ondol_converters.one import with_decoder
from ondol_converters.pack import Packer
from ondol_converters.quantise.cache import CacheScales, cache_scales
from ondol_converters.quantise.store import BlockStore
from ondol_converters.recipe import Layout, Options
from ondol_converters.sources import Source, TokenizerFiles
from ondol_converters.tokenizers.mapping import mapped_table

GRAPH, PREFILL, WEIGHTS = "model.onnx", "prefill-{}.onnx", "weights.bin"
TOKENIZER, TEMPLATE = "tokenizer.json", "chat_template.jinja"

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""


@contextmanager
def new_bundle(target: Path) -> Iterator[Path]:
    """A folder to fill with a bundle, as `replaced_folder` gives it; in it no signature is needed.

    Raises:
        Busy, DiskFull, StorageError: as of `replaced_folder`.
    """
    with replaced_folder(target) as folder, policy.making(folder):
        yield folder


@dataclass(frozen=True, slots=True)
class Weighing:
    """How matrices are stored: layouts by our names, those rounded before, scales of the cache.

    A matrix without a layout here is stored as the options say; a cache without scales is float32.
    """

    layouts: Mapping[str, Layout] = field(default_factory=lambda: MappingProxyType({}))
    rounded: BlockStore | None = None
    cache: tuple[CacheScales, ...] = ()


@dataclass(frozen=True, slots=True)
class Assembly:
    """A model ready to be written as a bundle, any number of times."""

    source: Source
    names: Mapping[str, str]
    decoder: Decoder
    tokenizer: TokenizerFiles
    source_vocabulary: int
    name: str
    options: Options
    terms: Terms
    defaults: Defaults
    texts: tuple[Text, ...]
    progress: Progress

    @property
    def context(self) -> int:
        """The longest context in tokens that the bundle can be opened with."""
        return min(self.options.context, self.decoder.max_context)

    def unquantised(self) -> "Assembly":
        """The same with float32 weights, for comparison: nothing is said of its progress."""
        options = Options(weights="float32", context=self.options.context)
        return replace(self.silent(), options=options)

    def silent(self) -> "Assembly":
        """The same, saying nothing of its progress."""
        return replace(self, progress=_silent)

    def packer(self, file: WeightsFile, weighing: Weighing) -> Packer:
        """What writes the weights file."""
        options = replace(self.options, layouts={**self.options.layouts, **weighing.layouts})
        return Packer(
            self.source,
            self.names,
            self.decoder,
            options,
            file,
            self.context,
            self.progress,
            weighing.rounded,
        )

    def open_tokenizer(self, folder: Path) -> Tokenizer:
        """The tokenizer, through a file of its own in a folder."""
        path = folder / TOKENIZER
        write_whole(path, self.tokenizer.json.encode())
        return Tokenizer.open(path, bos=self.tokenizer.bos, eos=self.tokenizer.eos)

    def write(self, folder: Path, weighing: Weighing) -> "Written":
        """Fill an empty folder with the bundle."""
        report = self.progress
        with WeightsFile(folder / WEIGHTS) as file:
            packer = self.packer(file, weighing)
            weights = replace(packer.weights(), cache=weighing.cache)
            weight_bytes = file.finish()
        facts = self.facts(packer.parameters, "int8" if weighing.cache else "float32")
        report("graph", 0, 1)
        graphs, operators = _draw(folder, self.decoder, weights)
        report("graph", 1, 1)
        report("hash", 0, 1)
        texts = _write_texts(folder, self.tokenizer, self.terms)
        for name, text in genai_texts(self.decoder, facts, GRAPH).items():
            write_whole(folder / name, text)
            texts.append(name)
        manifest = Manifest(
            ondol_bundle=VERSION,
            name=self.name,
            created_by=f"ondol {__version__}",
            model=facts,
            files=tuple(entry_of(folder, n) for n in (*graphs, WEIGHTS, *texts)),
            variants=(
                Variant(
                    "cpu",
                    GRAPH,
                    tuple(graphs[1:]),
                    Needs(operators, _precisions(weights), weight_bytes),
                ),
            ),
            origins=tuple(Origin(f.name, f.size, f.sha256) for f in self.source.files()),
            provenance=self.terms.provenance or _pulled_from(self.source),
            recipe=self._recipe(packer),
            licence=_licence(self.terms),
            defaults=self.defaults,
        )
        write_whole(folder / MANIFEST, manifest.to_json().encode())
        report("hash", 1, 1)
        return Written(Bundle.open(folder), weights, packer.parameters)

    def with_int8_cache(self, written: "Written", text: str) -> "Written":
        """Draw the graphs of a written bundle again, with a cache in 8 bits fitted to a text."""
        d, bundle = self.decoder, written.bundle
        self.progress("cache", 0, 1)
        turned = [0 if layer.rope is None else d.turned for layer in d.layers]
        scales = cache_scales(bundle, text, d.rotary_interleaved, turned)
        weights = replace(written.weights, cache=scales)
        graphs, _ = _draw(bundle.folder, d, weights)
        entries = {name: entry_of(bundle.folder, name) for name in graphs}
        manifest = replace(
            bundle.manifest,
            model=replace(bundle.decoder, cache="int8"),
            files=tuple(entries.get(entry.path, entry) for entry in bundle.manifest.files),
        )
        write_whole(bundle.folder / MANIFEST, manifest.to_json().encode())
        self.progress("cache", 1, 1)
        return replace(written, bundle=Bundle.open(bundle.folder), weights=weights)

    def add_npu(self, folder: Path) -> NpuReport:
        """Add the variant for neural processors to a written bundle; what it costs."""
        manifest, report = with_npu(
            Bundle.open(folder),
            self.source,
            self.decoder,
            self.names,
            self.options,
            self.progress,
        )
        write_whole(folder / MANIFEST, manifest.to_json().encode())
        return report

    def add_one(self, written: "Written") -> OneReport:
        """Add the variant for Samsung ONE to a written bundle; what it holds."""
        bundle, weights = written.bundle, written.weights
        manifest, report = with_decoder(bundle, self.decoder, weights, WEIGHTS, self.progress)
        write_whole(bundle.folder / MANIFEST, manifest.to_json().encode())
        return report

    def facts(self, parameters: int, cache: str) -> ModelFacts:
        """What the manifest says of the model; `cache` is float32 or int8."""
        d = self.decoder
        return ModelFacts(
            model_type=d.model_type,
            layers=len(d.layers),
            kv_heads=d.kv_heads,
            head_dim=d.head_dim,
            vocabulary=d.vocabulary,
            context=self.context,
            parameters=parameters,
            bos=self.tokenizer.bos,
            eos=self.tokenizer.eos,
            cache=cache,
        )

    def _recipe(self, packer: Packer) -> Recipe:
        options = self.options
        return Recipe(
            weights=options.weights,
            context=self.context,
            vocabulary=options.vocabulary,
            source_vocabulary=self.source_vocabulary,
            budget=options.budget,
            favor=options.favor,
            calibration=tuple(Origin(t.name, t.size, t.sha256) for t in self.texts),
            matrices=tuple(packer.records),
        )


@dataclass(frozen=True, slots=True)
class Written:
    """A bundle in its folder, what its graphs refer to, and how many parameters it has."""

    bundle: Bundle
    weights: DecoderWeights
    parameters: int


def _draw(
    folder: Path, decoder: Decoder, weights: DecoderWeights
) -> tuple[list[str], tuple[str, ...]]:
    """Write the graphs; their files, and every operator they use."""
    operators: set[str] = set()
    drawn = [draw(decoder, weights, WEIGHTS, __version__)]
    drawn += draw_prefill(decoder, weights, WEIGHTS, __version__)
    graphs = [GRAPH, *(PREFILL.format(n) for n in range(len(drawn) - 1))]
    for file_name, (model, used) in zip(graphs, drawn, strict=True):
        write_whole(folder / file_name, model.SerializeToString())
        operators |= set(used)
    return graphs, tuple(sorted(operators))


def _pulled_from(source: Source) -> str:
    return provenance(source.path, {file.name: file.sha256 for file in source.files()})


def _licence(terms: Terms) -> Licence:
    return Licence(terms.name, terms.kind, terms.file if terms.text else "", terms.note)


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def _write_texts(folder: Path, tokenizer: TokenizerFiles, terms: Terms) -> list[str]:
    texts = {TOKENIZER: tokenizer.json.encode()}
    table = mapped_table(tokenizer.json)
    if table is not None:
        texts[TABLE] = table
    if tokenizer.chat_template is not None:
        texts[TEMPLATE] = tokenizer.chat_template.encode()
    if terms.text:
        texts[terms.file] = terms.text
    for name, text in texts.items():
        write_whole(folder / name, text)
    return list(texts)


def _precisions(weights: DecoderWeights) -> tuple[str, ...]:
    return tuple(
        sorted({f"int{m.bits}" if m.scales else m.quants.dtype for m in weights.matrices.values()})
    )
