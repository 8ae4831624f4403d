"""A conversation: turns that grow, rendered by the model's own template, over one engine."""

from collections.abc import AsyncGenerator, Sequence
from copy import copy
from functools import partial

from ondol import asynchronous
from ondol.engine import Engine
from ondol.errors import BadPrompt
from ondol.language import say
from ondol.prompt import Prompt
from ondol.reply import Limits, Reply, common
from ondol.sampling import Sampling
from ondol.template import ChatTemplate, Message, Tool

TEMPLATE = "chat_template.jinja"
CONTINUATION_TOKENS = 256
"""How far a model that only continues text may go where nobody says."""


class Conversation:
    """Turns between a user and a model; the cache of earlier turns is used again.

    A model without a chat template continues text instead: each message stands alone.

    Args:
        engine: an open engine.
        system: the system prompt; None: the bundle's own, "": none.
        sampling: how tokens are chosen; None: greedy with the bundle's repetition penalty.
        limits: when replies end; None: at the model's word.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        system: str | None = None,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.engine = engine
        defaults = engine.bundle.manifest.defaults
        self.system = defaults.system if system is None else system
        self.sampling = sampling or Sampling(repetition_penalty=defaults.repetition_penalty)
        self.limits = limits
        self.turns: list[Message] = []
        self._template = _template(engine)

    @property
    def chats(self) -> bool:
        """Whether the model has a chat template; else it continues text."""
        return self._template is not None

    def send(
        self, text: str, limits: Limits | None = None, sampling: Sampling | None = None
    ) -> Reply:
        """Say something; the answer becomes a turn once `keep` is called with the reply.

        Args:
            text: what the user says.
            limits, sampling: for this reply; None: the conversation's.

        Raises:
            BadPrompt: if the text is empty, not Unicode, or no text.
            ContextFull: if the conversation no longer fits the context.
            TemplateError: if the template refuses the turns.
        """
        if not isinstance(text, str):
            raise BadPrompt(
                say("The message is no text.", "메시지가 글이 아닙니다."),
                f"{type(text).__name__} ≠ str",
                say("Pass it as str.", "str로 넘기세요."),
            )
        if not text.strip():
            raise BadPrompt(
                say("The message is empty.", "메시지가 비어 있습니다."),
                say("There is nothing to answer.", "답할 내용이 없습니다."),
                say("Write something.", "내용을 써 주세요."),
            )
        turns = [*self.turns, Message("user", text)]
        reply = self.engine.reply(
            self.prompt(turns), sampling or self.sampling, limits or self.limits
        )
        self.turns = turns
        return reply

    async def asend(
        self, text: str, limits: Limits | None = None, sampling: Sampling | None = None
    ) -> Reply:
        """A whole reply, for asyncio; otherwise as `send`."""
        return await asynchronous.read(partial(self.send, text, limits, sampling))

    def astream(
        self, text: str, limits: Limits | None = None, sampling: Sampling | None = None
    ) -> AsyncGenerator[str, None]:
        """The pieces of a reply, for asyncio, made as they are asked for; otherwise as `send`."""
        return asynchronous.pieces(partial(self.send, text, limits, sampling))

    def keep(self, reply: Reply) -> None:
        """Take a reply, finished or cut short, into the conversation as the model's turn."""
        self.turns.append(Message("assistant", reply.text))

    def branch(self, system: str | None = None) -> "Conversation":
        """Another conversation that begins with the turns so far; the two go their own ways.

        Args:
            system: its system prompt; None: the same.
        """
        other = copy(self)
        other.turns = list(self.turns)
        if system is not None:
            other.system = system
        return other

    def prewarm(self) -> None:
        """Run what the next prompt will begin with, so that its reply begins sooner.

        Raises:
            ContextFull: if that alone fills the context.
            DeviceError: if the device fails.
        """
        encode = self.engine.tokenizer.encode_prompt
        one, other = (encode(self.prompt([*self.turns, Message("user", text)])) for text in "가A")
        self.engine.warm(one[: common(one, other)])

    @property
    def template(self) -> str:
        """The chat template's text; empty without one."""
        return self._template.source if self._template else ""

    def prompt(self, turns: Sequence[Message], tools: Sequence[Tool] | None = None) -> Prompt:
        """What the model is given for these turns, and for tools where its template lists them."""
        if self._template is None:
            return Prompt.plain(turns[-1].content)
        opening = [Message("system", self.system)] if self.system else []
        return self._template.render([*opening, *turns], tools=tools)


def _template(engine: Engine) -> ChatTemplate | None:
    bundle, tokenizer = engine.bundle, engine.tokenizer
    if all(entry.path != TEMPLATE for entry in bundle.manifest.files):
        return None
    bundle.verify([TEMPLATE])
    source = bundle.read(TEMPLATE).decode("utf-8")
    return ChatTemplate(
        source,
        special_tokens=tokenizer.special_tokens,
        bos_text=tokenizer.bos_text,
        eos_text=tokenizer.eos_text,
    )
