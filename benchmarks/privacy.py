"""Precision and recall on the labelled Korean sentences, of Ondol, ko-pii and korean-pii.

python benchmarks/privacy.py [--half held_out] [--at-least 0.5]
python benchmarks/privacy.py --text FILE   # what is found in any text

A finding is right where it touches what is there of its kind; what is there counts as whole where
one finding covers all of it. FAX counts as a phone of ko-pii's, RRN as either number of
korean-pii's. Kinds that a package does not know show as a dash. The author of Ondol's rules wrote
the sentences.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from ondol.privacy import KINDS, Kind, find
from privacy_set import HALVES, Score, Span, ours, scored, sentences

Finder = Callable[[str], Iterable[Span]]

KO_PII: dict[str, Kind] = {
    "ACCOUNT": "account",
    "ADDRESS": "address",
    "BUSINESS_REG": "business-number",
    "CARD": "card",
    "DRIVER_LICENSE": "driver-licence",
    "EMAIL": "email",
    "FAX": "phone",
    "FRN": "foreigner-number",
    "IP": "ip-address",
    "PASSPORT": "passport",
    "PERSON": "name",
    "PHONE": "phone",
    "RRN": "resident-number",
    "VEHICLE": "plate",
}
KOREAN_PII: dict[str, Kind] = {
    "account": "account",
    "card": "card",
    "driver_license": "driver-licence",
    "email": "email",
    "passport": "passport",
    "phone": "phone",
    "rrn": "resident-number",
}


def ko_pii(text: str) -> Iterator[Span]:
    """What ko-pii finds, as our kinds."""
    from ko_pii import detect_all

    for each in detect_all(text, include=list(KO_PII)):
        yield KO_PII[each.label], each.start, each.end


def korean_pii(text: str) -> Iterator[Span]:
    """What korean-pii finds, as our kinds; it calls a foreigner's number rrn too."""
    from korean_pii import detect

    for each in detect(text):
        kind = KOREAN_PII.get(each.type)
        if kind == "resident-number":
            digits = "".join(filter(str.isdecimal, text[each.start : each.end]))
            kind = "foreigner-number" if digits[6:7] in tuple("5678") else kind
        if kind is not None:
            yield kind, each.start, each.end


def finders(at_least: float) -> Iterator[tuple[str, Finder, frozenset[Kind]]]:
    """Each package that is installed: its name, what it finds, and the kinds it knows."""
    yield "ondol", lambda text: ours(find(text, at_least=at_least)), frozenset[Kind](KINDS)
    if find_spec("ko_pii"):
        yield f"ko-pii {version('ko-pii')}", ko_pii, frozenset[Kind](KO_PII.values())
    if find_spec("korean_pii"):
        known = frozenset[Kind]({*KOREAN_PII.values(), "foreigner-number"})
        yield f"korean-pii {version('korean-pii')}", korean_pii, known


def table(half: str, at_least: float) -> Iterator[str]:
    """The figures of a half as a Markdown table: precision, recall, and whole, of each."""
    columns = list(finders(at_least))
    scores = [scored(finder, half) for _, finder, _ in columns]
    yield "| kind | there |" + "".join(f" {name} P / R / whole |" for name, _, _ in columns)
    yield "|---|---|" + "---|" * len(columns)
    for kind in KINDS:
        cells = [
            _cell(score[kind]) if kind in known else "-"
            for score, (_, _, known) in zip(scores, columns, strict=True)
        ]
        yield f"| {kind} | {scores[0][kind].there} | {' | '.join(cells)} |"
    totals = [Score() for _ in columns]
    for total, score in zip(totals, scores, strict=True):
        for each in score.values():
            total.add(each)
    yield f"| all | {totals[0].there} | {' | '.join(map(_cell, totals))} |"


def _cell(score: Score) -> str:
    whole = score.whole / score.there if score.there else 1.0
    return f"{score.precision:.2f} / {score.recall:.2f} / {whole:.2f}"


def main() -> None:
    """Print a table of each half that was asked for, or what is found in a text."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--half", choices=HALVES)
    parser.add_argument("--at-least", type=float, default=0.5)
    parser.add_argument("--text", type=Path)
    arguments = parser.parse_args()
    if arguments.text:
        text = arguments.text.read_text("utf-8")
        found = find(text, at_least=arguments.at_least)
        for each in found:
            print(each.kind, each.confidence, text[each.start : each.end])
        print(f"{len(found)} in {len(text)} characters")
        return
    for half in [arguments.half] if arguments.half else HALVES:
        everything = list(sentences(half))
        empty = sum(not each.spans for each in everything)
        print(f"\n{half}: {len(everything)} sentences, {empty} of them without personal data\n")
        print("\n".join(table(half, arguments.at_least)))


if __name__ == "__main__":
    main()
