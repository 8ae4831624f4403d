"""How far results are from what they should be, as a share of their own size."""

import numpy as np
from numpy.typing import NDArray


def error(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """The largest difference, as a share of the largest number."""
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def rms(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """The differences' root mean square, as a share of the numbers'."""
    return float(np.sqrt(np.mean(np.square(found - wanted)) / np.mean(np.square(wanted))))
