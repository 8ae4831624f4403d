"""An embedder that Ondol draws: source in, bundle out."""

from functools import partial
from pathlib import Path

from ondol import __version__
from ondol.bundle import Bundle
from ondol.device import Needs
from ondol.files import write_whole
from ondol.manifest import MANIFEST, Origin, Recipe, Variant
from ondol.model_facts import EncoderFacts
from ondol_converters.assembly import GRAPH, WEIGHTS, Progress, Terms, new_bundle
from ondol_converters.conversion import Conversion
from ondol_converters.encoders.bundling import Content, write_bundle
from ondol_converters.encoders.drawn import NAMES, USES, EncoderPacker, describe
from ondol_converters.encoders.npu import Draw, with_npu
from ondol_converters.encoders.options import DRAWN, weights_of
from ondol_converters.graph.drawing import Drawing
from ondol_converters.graph.encoder import Encoder, EncoderWeights, draw_encoder
from ondol_converters.graph.static_encoder import StaticEncoderPen
from ondol_converters.graph.weights import WeightsFile
from ondol_converters.npu import NAME as NPU
from ondol_converters.one import NAME as ONE
from ondol_converters.one import with_encoder
from ondol_converters.proof import prove
from ondol_converters.recipe import Options
from ondol_converters.sources import Source
from ondol_converters.vocabulary import TrimmedSource, cut_tokenizer, learnt_from


def convert_embedder(
    source: Source,
    target: Path,
    *,
    name: str,
    options: Options,
    terms: Terms,
    progress: Progress,
) -> Conversion:
    """Convert a BERT into a bundle of an embedder.

    Args:
        source: one whose format `NAMES` knows.
        target: the bundle's folder.
        name: the bundle's name.
        options: `weights` (auto, float32, int8), `vocabulary`, `hanja`, `coverage`, `quality`,
            `target` and `activations` count; the context is the model's own.
        terms: licence and provenance.
        progress: called as things get done.

    Raises:
        OptionError: if the options ask for what an encoder has not.
        SourceError: if the source does not hold.
        StorageError: if the disk refuses; an older bundle is untouched.
    """
    weights_of(options, DRAWN, targets=("cpu", ONE, NPU))
    progress("tokenizer", 0, 1)
    use = USES[source.format]
    whole = source.config["vocab_size"]
    uncut, source = source, _trimmed(source, options)
    tokenizer = source.tokenizer()
    progress("tokenizer", 1, 1)
    encoder = describe(source.config, use)
    with new_bundle(target) as folder:
        with WeightsFile(folder / WEIGHTS) as file:
            packer = EncoderPacker(source, encoder, options.weights, file, progress)
            weights = packer.pack()
            size = file.finish()
        progress("graph", 0, 1)
        model, operators = draw_encoder(encoder, weights, WEIGHTS, __version__)
        write_whole(folder / GRAPH, model.SerializeToString())
        progress("graph", 1, 1)
        progress("hash", 0, 1)
        precisions = sorted({"float32" if r.bits == 32 else f"int{r.bits}" for r in packer.records})
        facts = EncoderFacts(
            model_type=source.model_type,
            task="embed",
            layers=encoder.layers,
            width=encoder.hidden,
            vocabulary=encoder.vocabulary,
            context=encoder.positions,
            parameters=packer.parameters,
            pad=encoder.pad,
            pooling=use.pooling,
            normalised=use.normalised,
            query_prefix=use.query_prefix,
            passage_prefix=use.passage_prefix,
            labels=(),
        )
        recipe = Recipe(
            weights=options.weights,
            context=encoder.positions,
            vocabulary=options.vocabulary,
            source_vocabulary=int(str(whole)),
            budget=None,
            favor=options.favor,
            calibration=(),
            matrices=tuple(packer.records),
        )
        content = Content(
            name=name,
            facts=facts,
            variant=Variant("cpu", GRAPH, (), Needs(operators, tuple(precisions), size)),
            files=(GRAPH, WEIGHTS),
            origins=[Origin(f.name, f.size, f.sha256) for f in source.files()],
            recipe=recipe,
            terms=terms,
            provenance="",
        )
        bundle = write_bundle(folder, tokenizer.json, content)
        progress("hash", 1, 1)
        one = npu = None
        if options.target == ONE:
            manifest, one = with_encoder(bundle, encoder, weights, WEIGHTS, progress)
            write_whole(folder / MANIFEST, manifest.to_json().encode())
        if options.target == NPU:
            manifest, npu = with_npu(bundle, _floats(source, encoder), options, progress)
            write_whole(folder / MANIFEST, manifest.to_json().encode())
        if options.quality:
            prove(Bundle.open(folder), partial(_plainly, uncut, terms), progress)
    total = sum(record.bytes for record in packer.records)
    exact = sum(record.bytes for record in packer.records if record.exact) / (total or 1)
    return Conversion(Bundle.open(target), packer.parameters, exact, npu=npu, one=one)


def _floats(source: Source, encoder: Encoder) -> Draw:
    """Draws graphs of fixed lengths in float32, on one file of weights."""
    packed: list[EncoderWeights] = []

    def draw(n: int, path: Path) -> None:
        if not packed:
            with WeightsFile(path.parent / WEIGHTS) as file:
                packed.append(EncoderPacker(source, encoder, "float32", file, _silent).pack())
                file.finish()
        pen = StaticEncoderPen(encoder, packed[0], Drawing(WEIGHTS), n)
        write_whole(path, pen.model(__version__).SerializeToString())

    return draw


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def _plainly(
    source: Source, terms: Terms, target: Path, options: Options, progress: Progress
) -> Bundle:
    """The source itself as a bundle, to compare with."""
    made = convert_embedder(
        source, target, name="source", options=options, terms=terms, progress=progress
    )
    return made.bundle


def _trimmed(source: Source, options: Options) -> Source:
    """The source with the vocabulary that options ask for."""
    if options.vocabulary == "full":
        return source
    files = source.tokenizer()
    ends = [*files.eos, *([] if files.bos is None else [files.bos])]
    texts = [text.text for text in learnt_from(options)]
    cut = cut_tokenizer(files.json, options, texts, ends)
    return TrimmedSource(source, NAMES[source.format], files, cut)
