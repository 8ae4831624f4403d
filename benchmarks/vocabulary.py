"""What a smaller vocabulary costs and saves, on one model: size, bits per character, leaks.

Each row is converted with its weights as the source stores them, so that only the cut differs.
Bits per character are of the Constitution's beginning and of Ondol's own texts, none of which a
vocabulary is learnt from. The leaking mass is the mean probability of Chinese characters and kana
at each position of Ondol's Korean text; the rates count what the model wrote to Korean prompts.
"""

import argparse
import tempfile
from pathlib import Path

from ondol.engine import Engine
from ondol.evaluation.generation import measure_generation
from ondol.evaluation.leaks import leaking_mass
from ondol.evaluation.scoring import OpenModel, score
from ondol.evaluation.text import evaluation_texts
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options, VocabularyCut

CONSTITUTION = Path(__file__).parents[1] / "tests" / "fixtures" / "text" / "constitution.txt"
BEGINNING = 1475


def main() -> None:
    """Measure the full vocabulary, `ko-en`, and `ko-en-compact` for each coverage."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model", type=Path, help="a GGUF file or a Hugging Face folder")
    parser.add_argument("--coverage", type=float, nargs="*", default=[0.985, 0.97, 0.96, 0.93, 0.9])
    parser.add_argument("--text", type=Path, nargs="*", default=[], help="texts to learn from")
    parser.add_argument("--generate", action="store_true", help="also count what leaks in answers")
    said = parser.parse_args()
    calibration = tuple(said.text)
    rows: list[tuple[VocabularyCut, float]] = [
        ("full", 1),
        ("ko-en", 1),
        *(("ko-en-compact", coverage) for coverage in said.coverage),
    ]
    for vocabulary, coverage in rows:
        options = Options(vocabulary=vocabulary, coverage=coverage, calibration=calibration)
        print(f"{vocabulary} {coverage:.1%}", *_measured(said.model, options, said.generate))


def _measured(model: Path, options: Options, generate: bool) -> list[str]:
    texts = {text.name: text.text for text in evaluation_texts()}
    korean = next(text.text for text in evaluation_texts() if text.language == "ko")
    texts["constitution"] = CONSTITUTION.read_text("utf-8")[:BEGINNING]
    with tempfile.TemporaryDirectory() as folder:
        bundle = convert(model, Path(folder) / "bundle", options=options).bundle
        found = [f"{bundle.decoder.vocabulary} tokens", f"{bundle.size / 1e6:.0f} MB"]
        with Engine.open(bundle) as engine:
            opened = OpenModel(engine.session, engine.tokenizer)
            for name, text in texts.items():
                found.append(f"{name} {score(opened, text).bits_per_character:.4f}")
            mass = leaking_mass(engine.session, engine.tokenizer, korean)
            found.append(f"leaking mass {mass:.2e}")
            for one in measure_generation(engine) if generate else ():
                found.append(
                    f"at temperature {one.temperature}: {one.leaked_letters:.3%} of letters, "
                    f"{one.leaking_answers} of {one.answers} answers"
                )
    return found


if __name__ == "__main__":
    main()
