"""What the rooms of the forecast share: arrays, and the length of a day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exporter.model import DAY

__all__ = ["DAY", "BoolArray", "FloatArray", "IntArray", "Paths"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Paths = NDArray[np.float32]
IntArray = NDArray[np.intp]
