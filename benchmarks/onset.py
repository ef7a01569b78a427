"""The onset of the signal on a JACK port."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import jack
import numpy as np

AUDIBLE: Final = 1e-5


class OnsetDetector:
    """Records the first audible frame of each connected port. Create it before `client` is activated."""

    def __init__(self, client: jack.Client, names: Sequence[str]) -> None:
        self._client = client
        self._inputs = {name: client.inports.register(name) for name in names}
        self._began: dict[str, int] = {}
        client.set_process_callback(self._process)

    def _process(self, frames: int) -> None:
        """JACK's callback: looks for the first sample that is not silence."""
        for name in self._inputs.keys() - self._began.keys():
            sounding = np.flatnonzero(np.abs(self._inputs[name].get_array()) > AUDIBLE)
            if len(sounding):
                self._began[name] = self._client.last_frame_time + int(sounding[0])

    def port(self, name: str) -> str:
        return str(self._inputs[name].name)

    def began_s(self, name: str) -> float:
        """The time of the onset, in seconds since 1970; infinity if there was none."""
        if name not in self._began:
            return float("inf")
        frames_ago: int = self._client.frame_time - self._began[name]
        return time.time() - frames_ago / float(self._client.samplerate)
