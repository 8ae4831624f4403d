"""`ondol convert --explain`: the plan of a conversion, for people and for machines."""

from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

from ondol.cli.facts import count, licence_class, megabytes
from ondol.cli.making import Choices, options_of, starter_of, stated_licence
from ondol.cli.output import note, show_json, show_pairs, show_table
from ondol.language import say
from ondol.preparing import CONVERTERS, converters


def explain_model(model: str, choices: Choices, json: bool) -> None:
    """Print what `ondol convert` would do; nothing is written.

    Raises:
        MissingExtra: if the converters or the starter's weights are not installed.
        OptionError: if a setting cannot be meant.
        SourceError: if the model cannot be converted.
    """
    with converters():
        starter = starter_of(model, choices)
        options, stated = options_of(choices, starter), stated_licence(choices)
        if starter is None:
            plan = import_module(f"{CONVERTERS}.explain").explain
            found: Any = plan(Path(model), options, licence=stated)
        else:
            found = import_module(f"{CONVERTERS}.starters").explain_starter(starter, options)
    if json:
        show_json(found)
        return
    _show_model(found)
    _show_graphs(found)
    _show_matrices(found)
    if found.budget is not None:
        note(
            say(
                "The budget decides the bits by measuring; these layouts are where it begins.",
                "비트 수는 예산에 맞춰 재면서 정합니다. 여기 보이는 것은 그 출발점입니다.",
            )
        )
    note(say("Nothing was written.", "아무것도 쓰지 않았습니다."))


def _show_model(found: Any) -> None:
    tokens = say(f"{found.context} tokens", f"{found.context}토큰")
    cut = f"{found.source_vocabulary:,} → {found.vocabulary:,} ({found.vocabulary_cut})"
    show_pairs(
        found.source,
        (
            (say("format", "형식"), found.format),
            (say("family", "모델 계열"), found.model_type),
            (say("licence", "라이선스"), f"{found.licence} ({licence_class(found.licence_kind)})"),
            (say("note", "참고"), found.licence_note or "-"),
            (say("parameters", "매개변수"), count(found.parameters)),
            (say("layers", "층"), str(found.layers)),
            (say("vocabulary", "어휘"), cut),
            (say("context", "문맥"), f"{tokens} / {found.longest_context}"),
            (say("weights", "가중치"), megabytes(found.weight_bytes)),
            (say("bundle", "번들"), megabytes(found.file_bytes)),
            (say("key-value cache", "키-값 캐시"), megabytes(found.cache_bytes)),
            (say("memory, at least", "메모리(최소)"), megabytes(found.memory_bytes)),
        ),
    )


def _show_graphs(found: Any) -> None:
    for graph in found.graphs:
        shown = ", ".join(f"{each.name} × {each.nodes}" for each in graph.operators)
        nodes = sum(each.nodes for each in graph.operators)
        show_pairs(
            graph.file,
            (
                (say("nodes", "노드"), f"{nodes}: {shown}"),
                (say("graph", "그래프"), megabytes(graph.graph_bytes)),
                (say("maps", "쓰는 가중치"), megabytes(graph.mapped_bytes)),
            ),
        )


def _show_matrices(found: Any) -> None:
    total: Counter[str] = Counter()
    rows = []
    for each in found.matrices:
        layout = _layout(each)
        total[f"{each.source_kind} → {layout}"] += each.bytes
        rows.append((each.name, each.source_kind, layout, each.method, f"{each.bytes:,}"))
    show_table(
        (
            say("matrix", "행렬"),
            say("source", "원본"),
            say("stored as", "저장 형식"),
            say("method", "방법"),
            say("bytes", "바이트"),
        ),
        rows,
    )
    show_pairs("", [(kind, megabytes(size)) for kind, size in total.most_common()])


def _layout(record: Any) -> str:
    if not record.block:
        return say(f"{record.bits} bits", f"{record.bits}비트")
    return say(f"{record.bits} bits in {record.block}s", f"{record.bits}비트, {record.block}개씩")
