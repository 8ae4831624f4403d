"""What a model is told besides its turns, wherever its chat template has room for it."""

from collections.abc import Sequence

from ondol.errors import TemplateError
from ondol.prompt import Prompt
from ondol.session import Conversation
from ondol.template import Message


def instructed(talk: Conversation, instruction: str, turns: Sequence[Message]) -> Prompt:
    """The prompt for turns with an instruction behind the conversation's system prompt.

    Where the template refuses a system turn the instruction goes in front of the first turn, and
    where there is no template in front of the last, which a model then continues.

    Raises:
        TemplateError: if the template refuses the turns either way.
    """
    told = talk.branch("\n\n".join(part for part in (talk.system, instruction) if part))
    if not told.chats:
        return Prompt.plain(f"{told.system}\n\n{turns[-1].content}\n\n")
    try:
        return told.prompt(turns)
    except TemplateError:
        first, *rest = turns
        said = Message(first.role, f"{told.system}\n\n{first.content}")
        return talk.branch("").prompt([said, *rest])
