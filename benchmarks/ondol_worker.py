"""One measured process of Ondol: prints one JSON object. Called by peer.py."""

import json
import sys
import time

from ondol.engine import Engine
from ondol.memory import peak_resident_bytes
from task import PROMPT, QUESTION, Figures, Task, bits_per_character


def main() -> None:
    """Arguments: a Task as JSON, then the parent's monotonic clock at the start of this process."""
    task, started = Task(**json.loads(sys.argv[1])), float(sys.argv[2])
    opening = time.monotonic()
    engine = Engine.open(task.model, threads=task.threads, context=task.context)
    loaded = time.monotonic()
    session, tokenizer = engine.session, engine.tokenizer
    bos = [] if tokenizer.bos is None else [tokenizer.bos]
    session.append([*bos, *tokenizer.encode(QUESTION)]).argmax()
    first = time.monotonic()
    if task.text:
        ids = [*bos, *tokenizer.encode(task.text)]
        session.rewind(0)
        rows = [session.append([token]).copy() for token in ids[:-1]]
        print(json.dumps({"bits_per_character": bits_per_character(rows, ids, task.text)}))
        return
    prompt = [*bos, *tokenizer.encode(PROMPT)][: task.prompt_tokens]
    prefills, decodes, text = [], [], ""
    for _ in range(task.repeats):
        session.rewind(0)
        start = time.perf_counter()
        token = int(session.append(prompt).argmax())
        between = time.perf_counter()
        made = [token]
        for _ in range(task.decode_tokens):
            made.append(int(session.append([made[-1]]).argmax()))
        end = time.perf_counter()
        prefills.append(len(prompt) / (between - start))
        decodes.append(task.decode_tokens / (end - between))
        text = tokenizer.decode(made[1:])
    figures = Figures.of(
        prefills, decodes, len(text), task, loaded - opening, first - started, peak_resident_bytes()
    )
    print(figures.to_json())


if __name__ == "__main__":
    main()
