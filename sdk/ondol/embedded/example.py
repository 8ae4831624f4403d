"""Chat with the model beside this file: python chat.py "안녕하세요", or without a text to be asked.

It needs Python 3.11 or later and numpy. Nothing leaves the device.
"""

import sys
from pathlib import Path

from ondol.engine import Engine
from ondol.reply import Limits
from ondol.session import Conversation

BUNDLE = Path(__file__).resolve().parent / "bundle"


def main() -> None:
    """Answer the texts of the command line, or lines that are typed until an empty one."""
    with Engine.open(BUNDLE, device="capi") as engine:
        conversation = Conversation(engine)
        for text in sys.argv[1:] or iter(lambda: input("> "), ""):
            reply = conversation.send(text, Limits(max_tokens=256))
            for piece in reply:
                print(piece, end="", flush=True)
            print()


if __name__ == "__main__":
    main()
