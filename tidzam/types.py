"""Types that any module may use without importing anything heavy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
"""Audio samples, features or probabilities; the shape is said where it is used."""
