"""What torch, transformers and optimum do for a conversion; the extra `reference`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ondol.errors import CorruptSource, MissingExtra
from ondol.language import say
from ondol_converters.encoders.families import CLASSIFY, EMBED, TAG
from ondol_converters.encoders.hushing import hushed

OPSET = 18
NPU_OPSET = 20  # the first with Gelu
TASKS = {EMBED: "feature-extraction", CLASSIFY: "text-classification", TAG: "token-classification"}
CLASSES = {
    EMBED: "AutoModel",
    CLASSIFY: "AutoModelForSequenceClassification",
    TAG: "AutoModelForTokenClassification",
}
PACKAGES = ("torch", "transformers", "optimum")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model of transformers, in float32 and ready to run; its vocabulary as it was loaded."""

    model: Any
    task: str
    vocabulary: int

    def cut(self, kept: NDArray[np.int64]) -> None:
        """Keep these rows of the table of tokens, in their order."""
        import torch

        rows = torch.from_numpy(kept)
        table = self.model.get_input_embeddings()
        table.weight = torch.nn.Parameter(table.weight.detach()[rows])
        table.num_embeddings = len(kept)
        self.model.config.vocab_size = len(kept)

    @property
    def parameters(self) -> int:
        """How many numbers the model has."""
        return sum(int(each.numel()) for each in self.model.parameters())

    def output(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Hidden states or logits of a batch, float32."""
        import torch

        with torch.inference_mode():
            made = self.model(
                input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)
            )
        values = made.last_hidden_state if self.task == EMBED else made.logits
        return np.asarray(values.numpy(), np.float32)

    def export(self, folder: Path, opset: int) -> onnx.ModelProto:
        """The model's graph, drawn by optimum; files it writes on the way are left in `folder`."""
        from optimum.exporters.onnx import onnx_export_from_model

        with hushed():
            onnx_export_from_model(
                self.model,
                folder,
                task=TASKS[self.task],
                opset=opset,
                do_validation=False,  # Ondol compares the finished bundle instead
            )
        return onnx.load(folder / "model.onnx")


def load(folder: Path, task: str) -> Loaded:
    """An encoder from its folder, without a network; errors as of `load_model`."""
    model = load_model(folder, CLASSES[task], bare=task == EMBED)
    return Loaded(model, task, int(model.config.vocab_size))


def load_model(folder: Path, class_name: str, *, bare: bool = False) -> Any:
    """A model from its folder, in float32 and without a network.

    Args:
        folder: where its config and weights are.
        class_name: transformers' class that loads it.
        bare: whether a pooling layer is left out.

    Raises:
        MissingExtra: if torch, transformers or optimum is not installed.
        CorruptSource: if transformers cannot load it, or would make up weights.
    """
    with reference(), hushed():
        import_module("optimum.exporters.onnx")  # missing now rather than after loading
        import torch
        import transformers

        loader = getattr(transformers, class_name)
        try:
            model, report = _loaded(loader, folder, {"add_pooling_layer": False} if bare else {})
        except Exception as exc:  # the errors of its libraries share no base class
            raise _unloadable(folder, f"{type(exc).__name__}: {exc}") from exc
        if report["missing_keys"] or report["mismatched_keys"]:
            lost = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
            raise _unloadable(folder, ", ".join(lost))
        return model.to(torch.float32).eval()


def _loaded(loader: Any, folder: Path, said: dict[str, bool]) -> tuple[Any, dict[str, Any]]:
    """The model, and what transformers says of its weights; some classes take no settings."""
    fixed = {"local_files_only": True, "output_loading_info": True, "attn_implementation": "eager"}
    try:
        model, report = loader.from_pretrained(folder, **fixed, **said)
    except TypeError:
        model, report = loader.from_pretrained(folder, **fixed)
    return model, report


def versions() -> str:
    """The packages at work and their versions, for provenance."""
    names = ("optimum-onnx", "transformers", "torch")
    return ", ".join(f"{name} {version(name)}" for name in names)


@contextmanager
def reference() -> Iterator[None]:
    """Say what is missing where a block imports what is not there.

    Raises:
        MissingExtra: naming the package and the extra that brings it.
    """
    try:
        yield
    except ModuleNotFoundError as exc:
        package = (exc.name or "").partition(".")[0]
        if package not in PACKAGES:
            raise
        raise MissingExtra(
            say(
                "Encoders and speech are exported by optimum.",
                "인코더와 음성 모델은 optimum으로 변환합니다.",
            ),
            say(f"The package {package} is missing.", f"{package} 패키지가 없습니다."),
            'pip install "ondol[reference]"',
        ) from exc


def padded(parts: Sequence[Sequence[int]], pad: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids [batch, tokens] and their mask, of texts of unlike length."""
    longest = max(map(len, parts))
    ids = np.full((len(parts), longest), pad, np.int64)
    mask = np.zeros_like(ids)
    for row, part in enumerate(parts):
        ids[row, : len(part)], mask[row, : len(part)] = part, 1
    return ids, mask


def _unloadable(folder: Path, why: str) -> CorruptSource:
    return CorruptSource(
        say(
            f"transformers cannot load {folder.name}.",
            f"transformers가 {folder.name}을(를) 불러오지 못합니다.",
        ),
        why[:400],
        say("Download the folder again, whole.", "폴더 전체를 다시 내려받으세요."),
    )
