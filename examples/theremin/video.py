"""Pictures of a camera, or of a video in its place, as they arrive."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import cv2
import numpy as np

from examples.theremin.hands import Image
from tidzam.errors import SourceError

DEFAULT_FPS: Final = 30.0
_HINT: Final = "List cameras with `ls /dev/video*`; --video FILE plays a video in place of a camera."
_LATE_FRAMES: Final = 1.0
"""A picture of a file that is late by more than this many is skipped, as a camera would have replaced it."""


@dataclass(frozen=True)
class CameraPicture:
    """A picture, its number, and when it was there to be seen (seconds since 1970, UTC).

    That is when it was due in a file, before it was decoded, and when the camera delivered it otherwise.
    """

    number: int
    due_s: float
    image: Image


def require_camera(address: str) -> None:
    """Raise SourceError if `address` is a device or file that does not exist, or a file that is no video.

    Devices, pipes and network addresses are not opened: they may not bear to be opened twice.
    """
    path = Path(f"/dev/video{address}" if address.isdecimal() else address)
    if not path.exists() and "://" not in address:
        raise _not_opened(address)
    if path.is_file():
        with PictureSource(address):
            pass


def _not_opened(address: str) -> SourceError:
    return SourceError(f"{address} cannot be opened as a camera or video.", hint=_HINT)


class PictureSource:
    """A camera or a video. `pictures` ends with it; afterwards `fault` says why, if it ended too early."""

    def __init__(self, address: str, *, mirror: bool = False) -> None:
        """Open `address`: the number of a camera, a file, or whatever else OpenCV opens.

        A regular file is played at its own speed. `mirror` exchanges left and right, as in a mirror.
        Raises SourceError.
        """
        path = Path(address)
        self.is_file = path.exists() and stat.S_ISREG(path.stat().st_mode)
        self._capture = cv2.VideoCapture(int(address)) if address.isdecimal() else cv2.VideoCapture(address)
        if not self._capture.isOpened():
            raise _not_opened(address)
        if not self.is_file:
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the latest picture matters
        stated_fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = stated_fps if 1 <= stated_fps <= 240 else DEFAULT_FPS
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self._stated = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)) if self.is_file else 0
        self._mirror = mirror
        self.skipped = 0
        """Pictures of a file that were left out, since the ones before took too long."""
        self.fault = ""

    def pictures(self, *, clock: Callable[[], float] = time.time) -> Iterator[CameraPicture]:
        """One picture after the other, until the end or a fault."""
        number, began_s = 0, clock()
        while True:
            due_s = began_s + number / self.fps
            if self.is_file:
                time.sleep(max(0.0, due_s - clock()))
            if not self._capture.grab():
                break
            now_s = clock()
            if self.is_file and now_s - due_s > _LATE_FRAMES / self.fps:
                self.skipped += 1
            else:
                image = self._retrieve()
                if image is None:
                    break
                yield CameraPicture(number, due_s if self.is_file else now_s, image)
            number += 1
        self.fault = self._fault(number)

    def _retrieve(self) -> Image | None:
        is_whole, image = self._capture.retrieve()
        if not is_whole:
            return None
        return np.asarray(cv2.flip(image, 1) if self._mirror else image, np.uint8)

    def _fault(self, seen: int) -> str:
        if not self.is_file:
            return f"the camera was lost after {seen} pictures"
        if seen < self._stated - 1:
            return f"the video ended after {seen} of {self._stated} pictures"
        return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()
