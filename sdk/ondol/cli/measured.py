"""A quality report as tables, and in one line."""

from collections.abc import Sequence

from ondol.cli.output import show_pairs, show_table
from ondol.language import say
from ondol.quality import (
    Accuracy,
    CalibrationQuality,
    GenerationQuality,
    Quality,
    RetrievalQuality,
    TaskQuality,
    TextQuality,
)

SHORT_HASH = 16


def headline(quality: Quality) -> str:
    """The loss against the source on Korean and English, or what stands in its place."""
    named = (("ko", say("Korean", "한국어")), ("en", say("English", "영어")))
    losses = [(name, quality.loss(language)) for language, name in named]
    said = [f"{name} {loss:+.2%}" for name, loss in losses if loss is not None]
    if said:
        return ", ".join(said) + say(" bits/character", " (글자당 비트)")
    found = [
        f"{name} {text.bits_per_character:.3f}"
        for language, name in named
        for text in quality.texts
        if text.language == language
    ]
    if found:
        return ", ".join(found) + say(
            " bits/character, not compared", " (글자당 비트, 원본과 비교하지 않음)"
        )
    ranks = [f"{each.kind} {each.recall_at_1:.1%}" for each in quality.retrieval]
    return ", ".join(ranks) + say(" recall@1", " (재현율@1)") if ranks else "-"


def show_quality(name: str, quality: Quality) -> None:
    """Print a report."""
    compared = (
        (say("in short", "요약"), headline(quality)),
        (say("against", "비교 대상"), quality.against or "-"),
    )
    show_pairs(
        say(f"Quality of {name}", f"{name}의 품질"),
        (
            *(compared if quality.texts or quality.retrieval else ()),
            (say("device", "장치"), f"{quality.device} · {quality.software} · {quality.machine}"),
            (say("measured by", "잰 프로그램"), quality.created_by),
        ),
    )
    if quality.texts:
        _show_texts(quality.texts)
    if quality.generation:
        _show_generation(quality.generation)
    if quality.retrieval:
        _show_retrieval(quality.retrieval)
    for task in quality.tasks:
        _show_task(task)
    if quality.calibrations:
        _show_calibrations(quality.calibrations)


def _show_texts(texts: tuple[TextQuality, ...]) -> None:
    show_table(
        (
            say("text", "글"),
            say("characters", "글자"),
            say("bits/character", "글자당 비트"),
            say("source", "원본"),
            say("loss", "손실"),
            say("KL, bits/token", "KL(토큰당 비트)"),
            say("same top token", "1순위 일치"),
        ),
        [
            (
                text.name,
                f"{text.characters:,}",
                f"{text.bits_per_character:.4f}",
                _figure(text.source_bits_per_character, ".4f"),
                _figure(text.relative_loss, "+.2%"),
                _figure(text.kl_bits, ".4f"),
                _figure(text.top1_agreement, ".1%"),
            )
            for text in texts
        ],
    )
    if any(text.renormalised for text in texts):
        common = texts[0].common_tokens
        show_pairs(
            "",
            (
                (
                    say("KL and top token", "KL과 1순위"),
                    say(
                        f"over the {common:,} tokens that both have, scaled to one",
                        f"두 모델에 다 있는 토큰 {common:,}개의 확률만 합이 1이 되게 맞추어 계산",
                    ),
                ),
            ),
        )


def _show_generation(found: tuple[GenerationQuality, ...]) -> None:
    from ondol.evaluation.generation import left_out

    answered = [each for each in found if each.answers]
    if answered:
        _show_answers(answered)
    missing, room = left_out(found[0]), found[0].max_tokens
    if missing:
        why = say(
            f"{missing} prompts: with {room} tokens of answer they do not fit the context",
            f"질문 {missing}개. 답 {room}토큰까지 더하면 문맥에 들어가지 않습니다",
        )
        show_pairs("", ((say("answers left out", "재지 않은 답"), why),))


def _show_answers(found: Sequence[GenerationQuality]) -> None:
    show_table(
        (
            say("answers", "답"),
            say("repeated 4-grams", "되풀이한 토큰 4개 묶음"),
            say("distinct characters", "서로 다른 글자 4개 묶음"),
            say("Han and kana letters", "한자·가나 글자"),
            say("answers with them", "섞인 답"),
        ),
        [
            (
                say("greedy", "가장 그럴듯한 토큰만")
                if each.temperature == 0
                else say(
                    f"drawn, temperature {each.temperature:g}, seed {each.seed}",
                    f"뽑기, 온도 {each.temperature:g}, 씨앗값 {each.seed}",
                ),
                f"{each.repeated_4grams:.1%}",
                f"{each.distinct_characters:.1%}",
                f"{each.leaked_letters:.2%}",
                f"{each.leaking_answers}/{each.answers}",
            )
            for each in found
        ],
    )


def _show_retrieval(found: tuple[RetrievalQuality, ...]) -> None:
    show_table(
        (
            say("retrieval", "검색"),
            say("queries", "질의"),
            say("recall@1", "재현율@1"),
            say("recall@5", "재현율@5"),
            "MRR",
        ),
        [
            (
                each.kind,
                str(each.queries),
                _beside(each.recall_at_1, each.source_recall_at_1, ".1%"),
                _beside(each.recall_at_5, each.source_recall_at_5, ".1%"),
                _beside(each.mean_reciprocal_rank, each.source_mean_reciprocal_rank, ".3f"),
            )
            for each in found
        ],
    )


def _show_task(task: TaskQuality) -> None:
    show_pairs(
        task.file.name,
        (
            (say("items", "문항"), f"{task.likelihood.items}"),
            (say("shots, seed", "예시 수, 씨앗값"), f"{task.shots}, {task.seed}"),
            (say("by likelihood", "보기의 확률로"), _accuracy(task.likelihood)),
            (say("by letter", "보기의 기호로"), _accuracy(task.letter)),
            (say("chance", "찍었을 때"), f"{task.chance:.1%}"),
        ),
    )
    show_table(
        (
            say("kind", "갈래"),
            say("items", "문항"),
            say("by likelihood", "보기의 확률로"),
            say("by letter", "보기의 기호로"),
        ),
        [
            (
                kind.kind,
                str(kind.likelihood.items),
                f"{kind.likelihood.share:.0%}",
                f"{kind.letter.share:.0%}",
            )
            for kind in task.kinds
        ],
    )


def _show_calibrations(found: tuple[CalibrationQuality, ...]) -> None:
    show_table(
        (say("calibrated on", "보정한 글"), say("method", "방법"), say("text", "글"))
        + (say("bits/character", "글자당 비트"), say("loss", "손실")),
        [
            (
                each.language,
                f"{each.method} {each.bits}/{each.block}",
                text.name,
                f"{text.bits_per_character:.4f}",
                _figure(text.relative_loss, "+.2%"),
            )
            for each in found
            for text in each.texts
        ],
    )


def _accuracy(found: Accuracy) -> str:
    low, high = f"{found.low:.1%}", f"{found.high:.1%}"
    return say(
        f"{found.share:.1%} ({found.correct} right; 95 %: {low} to {high})",
        f"{found.share:.1%} ({found.correct}개 정답, 95% 신뢰 구간 {low}~{high})",
    )


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _beside(value: float, source: float | None, form: str) -> str:
    if source is None:
        return format(value, form)
    return say(f"{value:{form}} (source {source:{form}})", f"{value:{form}} (원본 {source:{form}})")
