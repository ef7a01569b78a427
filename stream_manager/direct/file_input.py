"""A file as the input of a direct recorder, decoded in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np

from stream_manager.direct.inputs import InputError
from tidzam.audio.files import open_audio
from tidzam.errors import TidzamError
from tidzam.types import Float32


class FileInput:
    """A file, see `DirectInput`. It is paced by the clock of this machine."""

    is_live: Final = False
    target_s: Final = 0.0

    def __init__(self, path: Path, *, channels: Sequence[int] | None = None, loop: bool = False) -> None:
        """`channels` selects channels of the file. With `loop`, it is repeated without a gap. Raises InputError."""
        self._path, self._loop = path, loop
        self._open = ExitStack()
        self._blocks = self._begin()
        self.channels = self._select(channels)
        self._left: Float32 = np.empty((0, self.channels), np.float32)

    def waiting(self) -> int:
        while not len(self._left):
            try:
                block = next(self._blocks, None)
            except (OSError, TidzamError) as error:
                raise InputError(str(error)) from error
            if block is not None:
                self._left = block if self._selected is None else block[:, self._selected]
            elif not self._loop:
                raise InputError("the file has ended")
            else:
                self._open.close()
                self._blocks = self._begin()
        return len(self._left)

    def take(self, frames: int) -> Float32:
        taken, self._left = self._left[:frames], self._left[frames:]
        return taken

    def close(self) -> None:
        self._open.close()

    def _begin(self) -> Iterator[Float32]:
        try:
            audio = self._open.enter_context(open_audio(self._path))
        except (OSError, TidzamError) as error:
            raise InputError(str(error)) from error
        self.rate_hz, self._of_file = audio.rate_hz, audio.channels
        return audio.blocks()

    def _select(self, channels: Sequence[int] | None) -> int:
        """Remember the selected channels; returns how many there are. Raises InputError if the file lacks one."""
        self._selected = None if channels is None else list(channels)
        missing = [one for one in channels or () if one >= self._of_file]
        if missing:
            self.close()
            detail = f"channel {missing[0]} was requested, the file has 0 to {self._of_file - 1}"
            raise InputError(detail, is_final=True)
        return self._of_file if channels is None else len(channels)
