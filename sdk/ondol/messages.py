"""What may be said in a conversation, and where."""

from ondol.errors import BadPrompt, OptionError
from ondol.language import say


def check_message(text: object) -> None:
    """Refuse what is no message.

    Raises:
        BadPrompt: if it is no str, or has nothing but spaces.
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


def no_turn(turn: int, count: int) -> OptionError:
    """The error for a turn that is no message of the user's."""
    return OptionError(
        say(f"There is no user's turn {turn}.", f"{turn}번은 사용자의 차례가 아닙니다."),
        say(f"The conversation has {count} turns.", f"대화에는 차례가 {count}개 있습니다."),
        say("Choose one with role 'user'.", "role이 'user'인 것을 고르세요."),
    )


def no_system(model: str) -> OptionError:
    """The error of a system prompt for a model that only continues text."""
    return OptionError(
        say(
            f"{model} cannot follow a system prompt.",
            f"{model}은(는) 시스템 프롬프트를 따를 수 없습니다.",
        ),
        say(
            "It has no chat template: it continues text.",
            "대화 서식이 없어 글을 이어 쓰기만 합니다.",
        ),
        say("Leave the system prompt out.", "시스템 프롬프트를 빼세요."),
    )
