"""Whisper in torch, and its graphs drawn by optimum; the extra `reference`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ondol_converters.encoders import surgery
from ondol_converters.encoders.hushing import hushed
from ondol_converters.encoders.reference import OPSET, load_model

TASK = "automatic-speech-recognition-with-past"


@dataclass(frozen=True, slots=True)
class Graphs:
    """What optimum draws: audio encoder, the decoder's first step, and its later ones."""

    audio: onnx.ModelProto
    first: onnx.ModelProto
    later: onnx.ModelProto

    def merged(self, room: Path) -> onnx.ModelProto:
        """Both decoders in one graph, whose weights are there once; optimum checks it in `room`."""
        from optimum.onnx import merge_decoders

        copies = []
        for model in (self.first, self.later):
            copy = onnx.ModelProto()
            copy.CopyFrom(model)
            copies.append(copy)
        with hushed():
            return merge_decoders(*copies, save_path=room / "merged.onnx", strict=False)

    def small(self, folder: Path) -> "Graphs":
        """The same with matrices in 8 bits."""
        return Graphs(*(surgery.to_int8(m, folder) for m in (self.audio, self.first, self.later)))


@dataclass(frozen=True, slots=True)
class LoadedSpeech:
    """A Whisper of transformers, in float32 and ready to run."""

    model: Any

    @property
    def parameters(self) -> int:
        """How many numbers the model has."""
        return sum(int(each.numel()) for each in self.model.parameters())

    def output(
        self, features: NDArray[np.float32], ids: Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Hidden states of the audio [1, positions, width], and logits [ids, vocabulary]."""
        import torch

        with torch.inference_mode():
            made = self.model(
                input_features=torch.from_numpy(features), decoder_input_ids=torch.tensor([ids])
            )
        heard = np.asarray(made.encoder_last_hidden_state.numpy(), np.float32)
        return heard, np.asarray(made.logits[0].numpy(), np.float32)

    def export(self, folder: Path) -> Graphs:
        """The model's graphs; files that optimum writes on the way are left in `folder`."""
        from optimum.exporters.onnx import onnx_export_from_model

        with hushed():
            onnx_export_from_model(
                self.model,
                folder,
                task=TASK,
                opset=OPSET,
                nb_max_frames=2 * int(self.model.config.max_source_positions),
                no_post_process=True,  # the decoders are merged when they have their final weights
                do_validation=False,
            )
        names = ("encoder_model", "decoder_model", "decoder_with_past_model")
        return Graphs(*(onnx.load(folder / f"{name}.onnx") for name in names))


def load_speech(folder: Path) -> LoadedSpeech:
    """A Whisper from its folder; errors as of `reference.load`."""
    return LoadedSpeech(load_model(folder, "WhisperForConditionalGeneration"))
