"""What the rooms of the forecast share: arrays, and the length of a day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exporter.model import DAY

__all__ = ["DAY", "BoolArray", "FloatArray", "IntArray"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]
