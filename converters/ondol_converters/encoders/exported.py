"""An encoder in a Hugging Face folder into a bundle: exported by optimum, then checked."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from numpy.typing import NDArray

from ondol import registry
from ondol.bundle import Bundle
from ondol.device import Needs
from ondol.errors import SourceError
from ondol.files import write_whole
from ondol.framed import Framed
from ondol.language import say
from ondol.manifest import MANIFEST, Origin, Recipe, Variant
from ondol.model_facts import EncoderFacts
from ondol.plan import plan
from ondol.tokenizer import Tokenizer
from ondol_converters.assembly import GRAPH, WEIGHTS, Progress, Terms, new_bundle
from ondol_converters.conversion import Conversion
from ondol_converters.encoders import parity, reference, surgery
from ondol_converters.encoders.bundling import Content, write_bundle
from ondol_converters.encoders.describing import Described, describe_folder
from ondol_converters.encoders.families import EMBED, TAG
from ondol_converters.encoders.fixing import fixed
from ondol_converters.encoders.npu import Draw, with_npu
from ondol_converters.encoders.options import EXPORTED, weights_of
from ondol_converters.encoders.origins import origins_of, provenance_of
from ondol_converters.npu import NAME as NPU
from ondol_converters.proof import prove
from ondol_converters.recipe import Options
from ondol_converters.tokenizers import from_folder
from ondol_converters.vocabulary import cut_tokenizer, learnt_from


@dataclass(frozen=True, slots=True)
class _Words:
    """The tokenizer of the bundle, and the rows of the table that it has kept; None: all."""

    json: str
    kept: NDArray[np.int64] | None


def convert_exported(
    folder: Path,
    target: Path,
    *,
    name: str,
    options: Options,
    terms: Terms,
    progress: Progress,
) -> Conversion:
    """Convert a folder of a family in `EXPORTED` into a bundle of an encoder.

    Args:
        folder: a Hugging Face folder; sentence-transformers' files count where they are there.
        target: the bundle's folder.
        name: the bundle's name.
        options: `weights` (auto is int8, or float32), `vocabulary`, `hanja`, `coverage`,
            `context`, `target` and `activations` count.
        terms: licence and provenance.
        progress: called as things get done.

    Raises:
        MissingExtra: if torch, transformers or optimum is not installed.
        OptionError: if the options ask for other weights.
        SourceError: if the folder does not hold, or its model is of a kind not converted.
        ConversionMismatch: if the bundle does not compute what transformers does.
    """
    weights = weights_of(options, EXPORTED, targets=("cpu", NPU))
    described = describe_folder(folder)
    progress("tokenizer", 0, 1)
    words = _words(folder, described, options)
    progress("tokenizer", 1, 1)
    progress("weights", 0, 1)
    loaded = reference.load(folder, described.task)
    if words.kept is not None:
        loaded.cut(words.kept)
    progress("weights", 1, 1)
    progress("graph", 0, 1)
    model = _exported(loaded, described, reference.OPSET)
    progress("graph", 1, 1)
    vocabulary = int(loaded.model.config.vocab_size)
    facts = _facts(described, options, vocabulary, loaded.parameters)
    with new_bundle(target) as fresh:
        maker = _Maker(fresh, folder, name, facts, options, terms, words.json, loaded)
        bundle = maker.bundle(model, "float32")
        worst = maker.compare(bundle, "float32")
        if weights == "int8":
            progress("int8", 0, 1)
            bundle = maker.bundle(surgery.to_int8(model, fresh), "int8", worst)
            maker.compare(bundle, "int8")
            progress("int8", 1, 1)
        else:
            bundle = maker.bundle(model, "float32", worst)
        npu = None
        if options.target == NPU:
            manifest, npu = with_npu(bundle, _floats(loaded, described), options, progress)
            write_whole(fresh / MANIFEST, manifest.to_json().encode())
            bundle = Bundle.open(fresh)
        if options.quality:
            whole = partial(convert_exported, folder, name="source", terms=Terms())
            prove(
                bundle,
                lambda at, said, tell: whole(at, options=said, progress=tell).bundle,
                progress,
            )
    exact = 1.0 if weights == "float32" else 0.0
    return Conversion(Bundle.open(target), loaded.parameters, exact, npu=npu)


def _exported(loaded: reference.Loaded, described: Described, opset: int) -> onnx.ModelProto:
    """The graph of free sizes, pooled where it embeds."""
    with TemporaryDirectory(prefix="ondol-export-") as room:
        model = loaded.export(Path(room), opset)
    if described.task == EMBED:
        surgery.pool(model, described.use, int(described.config["hidden_size"]))
    surgery.prune(model)
    return model


def _floats(loaded: reference.Loaded, described: Described) -> Draw:
    """Draws graphs of fixed lengths; theirs has GELU as one operator."""
    model = _exported(loaded, described, reference.NPU_OPSET)
    family = described.family
    return lambda n, path: fixed(model, family.model_type, n, family.skipped, path)


def _words(folder: Path, described: Described, options: Options) -> _Words:
    files = from_folder(folder)
    if options.vocabulary == "full":
        return _Words(files.json, None)
    texts = [text.text for text in learnt_from(options)]
    cut = cut_tokenizer(files.json, options, texts, [described.pad])
    if cut.new(described.pad) != described.pad:
        raise SourceError(
            say(
                "The vocabulary cannot be cut: the padding token would move.",
                "어휘를 줄일 수 없습니다. 패딩 토큰의 번호가 바뀝니다.",
            ),
            say("Positions are counted from its number.", "위치를 그 번호부터 셉니다."),
            "--vocabulary full",
        )
    return _Words(cut.json, cut.kept)


def _facts(
    described: Described, options: Options, vocabulary: int, parameters: int
) -> EncoderFacts:
    config, use = described.config, described.use
    return EncoderFacts(
        model_type=described.family.model_type,
        task=described.task,
        layers=int(config["num_hidden_layers"]),
        width=int(config["hidden_size"]),
        vocabulary=vocabulary,
        context=min(described.context, options.context),
        parameters=parameters,
        pad=described.pad,
        pooling=use.pooling,
        normalised=use.normalised,
        query_prefix=use.query_prefix,
        passage_prefix=use.passage_prefix,
        labels=described.labels,
    )


@dataclass(frozen=True, slots=True)
class _Maker:
    """Writes the bundle's files, with float weights and then with the smaller ones."""

    fresh: Path
    folder: Path
    name: str
    facts: EncoderFacts
    options: Options
    terms: Terms
    tokenizer: str
    loaded: reference.Loaded

    def bundle(self, model: onnx.ModelProto, precision: str, worst: float | None = None) -> Bundle:
        """The bundle of a graph; `worst` is how far its float32 form was from transformers."""
        found, used = surgery.records(model), surgery.operators(model)
        surgery.save(model, self.fresh, GRAPH, WEIGHTS)
        needs = Needs(used, (precision,), (self.fresh / WEIGHTS).stat().st_size)
        recipe = Recipe(
            weights=self.options.weights,
            context=self.facts.context,
            vocabulary=self.options.vocabulary,
            source_vocabulary=self.loaded.vocabulary,
            budget=None,
            favor=self.options.favor,
            calibration=(),
            matrices=found,
        )
        files = origins_of(self.folder)
        content = Content(
            name=self.name,
            facts=self.facts,
            variant=Variant("cpu", GRAPH, (), needs),
            files=(GRAPH, WEIGHTS),
            origins=[Origin(f.name, f.size, f.sha256) for f in files],
            recipe=recipe,
            terms=self.terms,
            provenance=provenance_of(self.folder, files, worst),
        )
        return write_bundle(self.fresh, self.tokenizer, content)

    def compare(self, bundle: Bundle, precision: str) -> float:
        """How far the bundle is from transformers, checked."""
        tokenizer = Tokenizer(bundle.read("tokenizer.json"))
        parts = [_shortened(tokenizer.frame(text), self.facts.context) for text in parity.TEXTS]
        ids, mask = reference.padded(parts, self.facts.pad)
        wanted = self.loaded.output(ids, mask)
        if self.facts.task == EMBED:
            wanted = parity.pooled(wanted, mask, self.facts.pooling, self.facts.normalised)
        with registry.runtime("cpu").open_graph(bundle, plan(bundle)) as session:
            given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            found = session.run({port.name: given[port.name] for port in session.inputs})
        made: NDArray[np.float32] = np.asarray(found[session.outputs[0].name], np.float32)
        if self.facts.task == TAG:  # what stands at padding means nothing
            real = mask[:, :, None].astype(np.float32)
            made, wanted = made * real, wanted * real
        return parity.require(precision, [parity.difference(precision, made, wanted)])


def _shortened(framed: Framed, most: int) -> tuple[int, ...]:
    """Ids of at most so many, those around the text kept."""
    if len(framed.ids) <= most:
        return framed.ids
    return (*framed.ids[: most - framed.after], *framed.ids[len(framed.ids) - framed.after :])
