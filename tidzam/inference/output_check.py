"""Running networks and keeping the outputs that are probabilities; faulty ones are counted, and logged once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.inference.engines import Network, first_line, shape_fault, valid_rows, value_fault
from tidzam.types import Float32

log = logging.getLogger(__name__)

_RECENT_S: Final = 60.0


@dataclass(frozen=True)
class _Errors:
    """How many windows a classifier failed on; the latest reason, as the end of a sentence; and when that was."""

    windows: int
    reason: str
    last_s: float


class OutputCheck:
    """Runs networks and filters faulty outputs. Several threads may call it at the same time.

    A network that passed its trial on silence may still fail on other audio. Its faulty windows are left out; the other
    windows and the other classifiers are not affected.
    """

    def __init__(self) -> None:
        self._errors: dict[str, _Errors] = {}
        self._lock = threading.Lock()

    @property
    def counts(self) -> Mapping[str, int]:
        """For each classifier with errors, the windows for which its outputs were not probabilities."""
        with self._lock:
            return {name: errors.windows for name, errors in self._errors.items()}

    def recent(self) -> Mapping[str, str]:
        """The classifiers that had an error within the last minute, each with a sentence about it."""
        with self._lock:
            limit_s = time.monotonic() - _RECENT_S
            return {
                name: f"Classifier {name} {errors.reason}; its results are left out ({errors.windows} windows so far)."
                for name, errors in self._errors.items()
                if errors.last_s >= limit_s
            }

    def outputs(
        self, name: str, network: Network, features: Float32, classes: int
    ) -> tuple[Float32, NDArray[np.bool_]]:
        """Run the network of classifier `name` on features (n, frames, mels).

        Returns the probabilities of the m windows with valid outputs, shape (m, classes), and which windows those are,
        shape (n,).
        """
        count = len(features)
        nothing = np.empty((0, classes), np.float32), np.zeros(count, np.bool_)
        try:
            outputs = network.predict(features)
        except Exception as error:  # noqa: BLE001 - a network from elsewhere may fail in any way; the others continue
            self._add(name, count, f"cannot be run: {first_line(error)}")
            return nothing
        if fault := shape_fault(outputs, (count, classes)):
            self._add(name, count, fault)
            return nothing
        rows = valid_rows(outputs)
        if not rows.all():
            wrong = value_fault(outputs)
            self._add(name, int(count - rows.sum()), f"returns {wrong}, expected a probability from 0 to 1")
            outputs = outputs[rows]
        return np.clip(outputs, 0, 1), rows

    def _add(self, name: str, windows: int, reason: str) -> None:
        with self._lock:
            known = self._errors.get(name)
            total = windows + (known.windows if known else 0)
            self._errors[name] = _Errors(total, reason, time.monotonic())
        if known is None:
            log.error("classifier %s %s. Its results are left out; further errors are only counted", name, reason)
