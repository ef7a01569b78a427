"""Decodes recordings one after the other: `python -P -m stream_manager.players.recording_reader FD BYTES`.

It writes so many bytes of silence, reads one ReadOrder per line from standard input, writes the samples to the
descriptor FD as interleaved float32, little-endian, and reports each order on standard output. It is a process of its
own, so that a file that crashes a decoder, or a disk that does not answer, affects one source only.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from stream_manager.players.reader_protocol import MESSAGES, Differs, ReaderMessage, ReadFailed, ReadFinished, ReadOrder
from tidzam.audio.files import AudioFile, open_audio
from tidzam.errors import TidzamError

BLOCK_S: Final = 0.1


@dataclass
class _Output:
    """Where samples are written; `frames` counts those of the current order."""

    descriptor: int
    frames: int = 0

    def write(self, samples: bytes, frames: int) -> None:
        view = memoryview(samples)
        while view:
            view = view[os.write(self.descriptor, view) :]
        self.frames += frames


def main() -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever is to play the samples has ended
    output = _Output(int(sys.argv[1]))
    output.write(bytes(int(sys.argv[2])), 0)
    for line in sys.stdin:
        print(MESSAGES.encode(_carry_out(ReadOrder(**json.loads(line)), output)), flush=True)


def _carry_out(order: ReadOrder, output: _Output) -> ReaderMessage:
    output.frames = 0
    try:
        with open_audio(Path(order.path), start_s=order.start_s) as audio:
            if (audio.rate_hz, audio.channels) != (order.rate_hz, order.channels):
                return Differs(audio.rate_hz, audio.channels)
            _copy(audio, order, output)
    except (TidzamError, OSError, ValueError) as error:
        return ReadFailed(str(error), output.frames)
    return ReadFinished(output.frames)


def _copy(audio: AudioFile, order: ReadOrder, output: _Output) -> None:
    selected = None if order.selected is None else list(order.selected)
    for block in audio.blocks(round(BLOCK_S * audio.rate_hz)):
        chosen = block if selected is None else block[:, selected]
        output.write(np.ascontiguousarray(chosen, "<f4").tobytes(), len(block))


if __name__ == "__main__":
    main()
