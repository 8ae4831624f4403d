"""onert tried in a process of its own first: what it does not understand can end the process."""

import os
from functools import cache

from ondol.child_process import fault
from ondol.errors import CorruptBundle
from ondol.language import say

SECONDS = 60.0
IMPORT = "from onert.native.libnnfw_api_pybind import infer; infer.nnfw_session"
RUN = """
import sys
import numpy as np
from onert.native.libnnfw_api_pybind import infer, prepare_config
session = infer.nnfw_session(sys.argv[1], "cpu")
session.set_prepare_config(prepare_config.ENABLE_INTERNAL_OUTPUT_ALLOC)
session.prepare()
infos = [session.input_tensorinfo(at) for at in range(session.input_size())]
zeros = [np.zeros(info.dims[: info.rank], info.dtype) for info in infos]
for at, array in enumerate(zeros):
    session.set_input(at, array)
session.run()
"""


@cache
def prove(path: str, sha256: str) -> None:
    """Let another process load a circle file and run it on zeros; once for the same bytes.

    Raises:
        CorruptBundle: if it fails or dies, in onert's words.
    """
    why = fault(RUN, path, seconds=SECONDS, environment={"USE_MMAPED_DATA": "1"})
    if why:
        raise refused(os.path.basename(path), f"onert: {why}")


def refused(name: str, why: str) -> CorruptBundle:
    """The error for a file that onert does not load, or shall not."""
    return CorruptBundle(
        say(f"{name} cannot be loaded.", f"{name}을(를) 불러올 수 없습니다."),
        why,
        say(
            "Convert the model again, or use another device: ondol devices",
            "모델을 다시 변환하거나 다른 장치를 쓰세요: ondol devices",
        ),
    )
