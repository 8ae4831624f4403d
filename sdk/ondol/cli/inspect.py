"""`ondol inspect`: everything a bundle says about itself."""

from dataclasses import dataclass

from ondol.bundle import Bundle
from ondol.cli.facts import (
    BundleFacts,
    Layout,
    encoder_task,
    facts,
    layouts,
    licence_class,
    megabytes,
    tokenizer_pair,
)
from ondol.cli.measured import headline
from ondol.cli.options import BundleName, Json
from ondol.cli.output import show_json, show_pairs, show_table
from ondol.language import say
from ondol.manifest import (
    Manifest,
)
from ondol.model_facts import EncoderFacts, Facts, SpeechFacts
from ondol.quality import Quality, quality_of

SHORT_HASH = 16


@dataclass(frozen=True, slots=True)
class Inspection:
    """A bundle: its line, how its matrices are stored, its manifest and its quality report."""

    bundle: BundleFacts
    layouts: tuple[Layout, ...]
    manifest: Manifest
    quality: Quality | None


def inspect(
    bundle: BundleName,
    json: Json = False,
) -> None:
    """Show what is in a bundle."""
    from ondol import store

    found = store.find(bundle)
    manifest = found.manifest
    quality = quality_of(found)
    seen = Inspection(facts(found), layouts(manifest.recipe.matrices), manifest, quality)
    if json:
        show_json(seen)
        return
    _show_model(seen)
    _show_terms(manifest)
    _show_weights(seen)
    _show_files(found)


def _show_model(seen: Inspection) -> None:
    manifest, model = seen.manifest, seen.manifest.model
    show_pairs(
        seen.bundle.name,
        (
            (say("path", "경로"), seen.bundle.path),
            (say("size", "크기"), megabytes(seen.bundle.size_bytes)),
            (say("made by", "만든 프로그램"), manifest.created_by),
            (say("family", "모델 계열"), model.model_type),
            (say("parameters", "매개변수"), f"{model.parameters:,}"),
            (say("layers", "층"), str(model.layers)),
            (say("vocabulary", "어휘"), f"{model.vocabulary:,}"),
            (say("context", "문맥"), say(f"{model.context} tokens", f"{model.context}토큰")),
            tokenizer_pair(seen.bundle),
            (say("quality", "품질"), _quality(seen)),
            *_kind(seen, model),
        ),
    )


def _quality(seen: Inspection) -> str:
    if seen.quality is not None:
        return headline(seen.quality)
    return say(
        f"not measured yet: ondol evaluate {seen.bundle.name} --against SOURCE --save",
        f"아직 재지 않음: ondol evaluate {seen.bundle.name} --against SOURCE --save",
    )


def _kind(seen: Inspection, model: Facts) -> tuple[tuple[str, str], ...]:
    """What only models of one kind have."""
    kind = say("kind", "종류")
    if isinstance(model, EncoderFacts):
        prefixes = (model.query_prefix, model.passage_prefix)
        return (
            (kind, encoder_task(model.task)),
            (say("width", "벡터 길이"), str(model.width)),
            (say("pooling", "풀링"), model.pooling),
            (say("prefixes", "앞에 붙이는 말"), ", ".join(map(repr, prefixes))),
            (say("labels", "이름표"), ", ".join(model.labels) or "-"),
        )
    if isinstance(model, SpeechFacts):
        seconds = model.frames * model.hop / model.sample_rate
        return (
            (kind, say("speech to text", "음성 인식")),
            (
                say("audio", "음성"),
                say(
                    f"{seconds:g} s at {model.sample_rate} Hz",
                    f"{seconds:g}초, {model.sample_rate}Hz",
                ),
            ),
            (
                say("begin, end", "시작, 끝 토큰"),
                f"{', '.join(map(str, model.start))}, {model.eos}",
            ),
        )
    defaults = seen.manifest.defaults
    return (
        (kind, say("chat", "대화") if seen.bundle.chats else say("continues text", "글 이어쓰기")),
        (say("cache heads", "캐시 헤드"), f"{model.kv_heads} × {model.head_dim}"),
        (say("begin, end", "시작, 끝 토큰"), f"{model.bos}, {', '.join(map(str, model.eos))}"),
        (say("system prompt", "시스템 프롬프트"), defaults.system or "-"),
        (say("repetition penalty", "반복 억제"), f"{defaults.repetition_penalty:g}"),
    )


def _show_terms(manifest: Manifest) -> None:
    licence = manifest.licence
    show_pairs(
        say("Terms and origin", "이용 조건과 출처"),
        (
            (say("licence", "라이선스"), f"{licence.name} ({licence_class(licence.kind)})"),
            (say("text", "전문"), licence.file or "-"),
            (say("note", "참고"), licence.note or "-"),
            (say("provenance", "내력"), manifest.provenance or "-"),
            *(
                (
                    say("source", "원본"),
                    f"{o.name}  {megabytes(o.size)}  sha256 {o.sha256[:SHORT_HASH]}…",
                )
                for o in manifest.origins
            ),
        ),
    )


def _show_weights(seen: Inspection) -> None:
    recipe = seen.manifest.recipe
    show_pairs(
        say("Weights", "가중치"),
        (
            (say("recipe", "방법"), f"{recipe.weights}, --context {recipe.context}"),
            (say("bits a weight", "가중치당 비트"), f"{seen.bundle.bits_per_weight:.2f}"),
            (say("kept exactly", "그대로 보존"), f"{seen.bundle.exact_share:.1%}"),
            *(
                (
                    say(f"{lay.bits} bits", f"{lay.bits}비트")
                    + (say(f" in {lay.block}s", f", {lay.block}개씩") if lay.block else ""),
                    say(
                        f"{lay.matrices} matrices, {lay.exact} exact, {megabytes(lay.size_bytes)}",
                        f"행렬 {lay.matrices}개, 그대로 {lay.exact}개, {megabytes(lay.size_bytes)}",
                    ),
                )
                for lay in seen.layouts
            ),
        ),
    )


def _show_files(bundle: Bundle) -> None:
    for variant in bundle.manifest.variants:
        show_pairs(
            say(f"For {variant.target}", f"{variant.target}용"),
            (
                (say("graph", "그래프"), variant.graph),
                (say("prefill", "프리필"), str(len(variant.prefill))),
                (say("precisions", "정밀도"), ", ".join(variant.needs.precisions)),
                (say("operators", "연산자"), ", ".join(variant.needs.operators)),
            ),
        )
    show_table(
        (say("file", "파일"), say("bytes", "바이트"), "sha256"),
        [(e.path, f"{e.size:,}", f"{e.sha256[:SHORT_HASH]}…") for e in bundle.manifest.files],
    )
