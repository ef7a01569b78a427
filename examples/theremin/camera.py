"""`python -m examples.theremin.camera JSON`: the process that sees the hand.

It writes what each picture shows to the shared memory, and a line per picture to a CSV file: its number, when it was
there to be seen and when the tone could know it (seconds since 1970, UTC), the area and the loudness. It ends with the
video, with the camera, at TERM or INT, or with its parent.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import cv2

from examples.theremin.hand_memory import NO_HAND, HandMemory
from examples.theremin.hands import HandFinder, HandModel, roles
from examples.theremin.notes import PitchRange, name_of
from examples.theremin.preview import draw, screens
from examples.theremin.video import PictureSource
from tidzam.errors import TidzamError
from tidzam.jack.helper_protocol import HelperMessages

BEAT_S: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class CameraOptions:
    """What the camera process is to do. `memory_fd` is the descriptor of the shared memory."""

    memory_fd: int
    address: str
    log: str
    range: PitchRange
    hand_model: HandModel = "skin"
    mirror: bool = False
    window: bool = False
    preview: str | None = None

    @classmethod
    def parse(cls, argument: str) -> CameraOptions:
        """The inverse of `camera_argv`."""
        fields = json.loads(argument)
        return cls(**{**fields, "range": PitchRange(**fields["range"])})


def camera_argv(options: CameraOptions) -> list[str]:
    """The command line of a camera process."""
    return [sys.executable, "-m", "examples.theremin.camera", json.dumps(asdict(options))]


@dataclass(frozen=True)
class CameraReady:
    """A camera has shown its first picture. A file is open: it is played once a line was read from standard input."""

    width: int
    height: int
    fps: float


@dataclass(frozen=True)
class CameraBeat:
    """So many pictures were seen so far; sent every BEAT_S while there are any."""

    pictures: int


@dataclass(frozen=True)
class CameraEnded:
    """The pictures have ended; `fault` says why, if that was too early. `skipped` came too late."""

    pictures: int
    skipped: int
    fault: str


CameraEvent = CameraReady | CameraBeat | CameraEnded
MESSAGES: Final = HelperMessages[CameraEvent](CameraReady, CameraBeat, CameraEnded)


class _Stopped(Exception):
    """TERM or INT has arrived."""


def main(argument: str) -> int:
    """Run until the end; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    cv2.setNumThreads(1)  # pictures are small: more threads only cost time to start
    options = CameraOptions.parse(argument)
    memory = HandMemory(options.memory_fd)
    try:
        _watch(options, memory)
    except _Stopped:
        pass
    except TidzamError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        memory.write(NO_HAND)
    return 0


def _watch(options: CameraOptions, memory: HandMemory) -> None:
    finder, beat_due_s, seen = HandFinder(options.hand_model), 0.0, 0
    with ExitStack() as stack:
        source = stack.enter_context(PictureSource(options.address, mirror=options.mirror))
        ready = CameraReady(source.width, source.height, source.fps)
        preview = Path(options.preview) if options.preview else None
        shown = stack.enter_context(
            screens(window=options.window, file=preview, size=(source.width, source.height), fps=source.fps)
        )
        log = stack.enter_context(Path(options.log).open("w", encoding="utf-8", buffering=1))
        log.write("picture,due_s,known_s,area,loudness\n")
        if source.is_file:
            _send(ready)
            sys.stdin.readline()  # a video begins with the song
        for picture in source.pictures():
            hands = roles(finder.find(picture.image))
            reading = hands.reading
            memory.write(reading)
            known_s = time.time()
            log.write(f"{picture.number},{picture.due_s:.6f},{known_s:.6f},{reading.area:.6f},{reading.loudness:.3f}\n")
            if not seen and not source.is_file:
                _send(ready)
            seen += 1
            if known_s >= beat_due_s:
                _send(CameraBeat(seen))
                beat_due_s = known_s + BEAT_S
            if shown:
                name = name_of(options.range.note_of_area(reading.area)) if reading.is_hand else "no hand"
                drawn = draw(picture.image, hands, name)
                for screen in shown:
                    screen.show(drawn)
        _send(CameraEnded(seen, source.skipped, source.fault))


def _send(event: CameraEvent) -> None:
    print(MESSAGES.encode(event), flush=True)


def _stop(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Stopped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
