"""`Assistant.ask`: an assistant's own model beside the quotation from a library."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ondol.assistant import Assistant
    from ondol.reply import Limits
    from ondol.retrieval.answering import Answer
    from ondol.retrieval.library import Library
    from ondol.sampling import Sampling


def ask(
    self: "Assistant",
    question: str,
    library: "Library",
    *,
    sampling: "Sampling | None" = None,
    limits: "Limits | None" = None,
) -> "Answer":
    """Answer from the user's documents: a sentence word for word, and a reply beside it.

    Args:
        self: the assistant.
        question: in any language that the library's encoder knows.
        library: where the answer is looked for.
        sampling, limits: of the reply; None: the assistant's, and 200 tokens at most.

    Raises:
        BadPrompt: if the question is empty or not Unicode.
        ContextFull: if the question and one passage leave no room for a reply.
        LibraryError, StorageError: if the library cannot be read.
        BundleError, DeviceError, MissingExtra: if a model cannot be opened.
    """
    from ondol.retrieval.answering import answer

    return answer(self.conversation(), question, library, sampling=sampling, limits=limits)
