"""A child process that opens a bundle on a device and answers; prints tokens and memory."""

import json
import sys
import threading
from pathlib import Path

from ondol.engine import Engine
from ondol.memory import peak_resident_bytes, private_bytes

PROMPT = "대한민국의 수도와 그 도시의 역사를 짧게 설명해 주세요. "
TOKENS = 16
EVERY = 0.005  # seconds between two looks at the private memory


def main(path: Path, device: str, memory: int) -> None:
    """Print the tokens of an answer, the most private bytes seen, and the resident peak."""
    done = threading.Event()
    most = [0]

    def watch() -> None:
        while not done.wait(EVERY):
            most[0] = max(most[0], private_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    limit = memory or None
    with Engine.open(path, device=device, context=1024, threads=2, memory=limit) as engine:
        ids = engine.tokenizer.encode(PROMPT * 8)
        tokens = [int(engine.session.append(ids).argmax())]
        while len(tokens) < TOKENS:
            tokens.append(int(engine.session.append(tokens[-1:]).argmax()))
    done.set()
    watcher.join()
    print(json.dumps({"tokens": tokens, "private": most, "peak": [peak_resident_bytes()]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
