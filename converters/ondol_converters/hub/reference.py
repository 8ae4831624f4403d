"""What a user calls a model on a hub: hf:OWNER/NAME[@REVISION]."""

import re
from dataclasses import dataclass
from typing import Self

from ondol.errors import OptionError
from ondol.language import say

SCHEME = "hf:"
MOST_CHARACTERS = 96

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_-])?"
_REVISION = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,253}[A-Za-z0-9_-])?"
_REFERENCE = re.compile(rf"hf:({_NAME})/({_NAME})(?:@({_REVISION}))?")


@dataclass(frozen=True, slots=True)
class Reference:
    """A repository and a revision: a branch, a tag or a commit."""

    owner: str
    name: str
    revision: str = "main"

    @classmethod
    def parse(cls, text: str) -> Self:
        """A reference from what a user typed.

        Raises:
            OptionError: if it is none.
        """
        found = _REFERENCE.fullmatch(text)
        if found is None or any(".." in part or "--" in part for part in found.groups("")):
            raise OptionError(
                say(
                    f"{text!r} names no model on a hub.", f"{text!r}은(는) 허브의 모델이 아닙니다."
                ),
                say(
                    "A model is called hf:OWNER/NAME, or hf:OWNER/NAME@REVISION.",
                    "모델은 hf:소유자/이름 또는 hf:소유자/이름@리비전으로 씁니다.",
                ),
                "ondol pull hf:Qwen/Qwen2.5-0.5B-Instruct",
            )
        owner, name, revision = found.groups()
        return cls(owner, name, revision or "main")

    @property
    def repository(self) -> str:
        """The repository as the hub calls it: OWNER/NAME."""
        return f"{self.owner}/{self.name}"

    def __str__(self) -> str:
        return f"{SCHEME}{self.repository}@{self.revision}"
