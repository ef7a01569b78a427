"""Finds hands in a picture: by the color of skin, by what has moved in front of a still background, or by both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from examples.theremin.hand_memory import NO_HAND, HandReading

Image = NDArray[np.uint8]
"""A picture, shape (height, width, 3), blue, green and red; or a mask, shape (height, width), 0 or 255."""
HandModel = Literal["skin", "motion", "both"]

SKIN_LOW: Final = (0, 133, 77)
SKIN_HIGH: Final = (255, 173, 127)
"""Skin in the color space YCrCb, whatever its brightness: Chai and Ngan, "Face segmentation using skin-color map in
videophone applications", IEEE Transactions on Circuits and Systems for Video Technology 9 (1999)."""
SMALLEST_AREA: Final = 0.005
"""Blobs with a smaller share of the picture are no hands."""
_WORK_WIDTH: Final = 320
"""Pictures are made this narrow before they are searched."""
_EDGE: Final = 0.35
"""Share of the pixels on the outline of a hand that show the background: one that is mostly background has enough of
the color of skin. The share is 0.2 to 0.5, by the color of the hand and the model."""
_LEARNING_FRAMES: Final = 30
"""For so many pictures, the background is learned quickly: keep your hands out of them."""
_SLOW_LEARNING: Final = 1e-4
"""Share of a new picture in the background afterwards: a hand that stands still must not become part of it."""


@dataclass(frozen=True)
class FoundHand:
    """A hand. All values are shares of the width, the height or the area of the picture."""

    left: float
    top: float
    width: float
    height: float
    area: float

    @property
    def center(self) -> tuple[float, float]:
        """Of its box: from the left, and from the top."""
        return self.left + self.width / 2, self.top + self.height / 2


class HandFinder:
    """Finds up to two hands in one picture after the other, which are of one size."""

    def __init__(self, model: HandModel) -> None:
        self._masks: list[Callable[[Image], Image]] = []
        if model != "motion":
            self._masks.append(skin_mask)
        if model != "skin":
            self._masks.append(MotionMask())
        self._kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))

    def find(self, picture: Image) -> list[FoundHand]:
        """The hands in a picture, the largest first."""
        height = round(picture.shape[0] * _WORK_WIDTH / picture.shape[1])
        small = np.asarray(cv2.resize(picture, (_WORK_WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)
        first, *others = (mask(small) for mask in self._masks)
        for other in others:
            first = first & other
        cleaned = cv2.morphologyEx(first, cv2.MORPH_OPEN, self._kernel)
        cleaned = cv2.morphologyEx(cleaned, cv2.MORPH_CLOSE, self._kernel)
        outlines, _ = cv2.findContours(cleaned, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        hands = sorted(
            (_hand(np.asarray(outline, np.int32), small) for outline in outlines),
            key=lambda hand: hand.area,
            reverse=True,
        )
        return [hand for hand in hands[:2] if hand.area >= SMALLEST_AREA]


def skin_mask(picture: Image) -> Image:
    """Which pixels have the color of skin."""
    return np.asarray(cv2.inRange(cv2.cvtColor(picture, cv2.COLOR_BGR2YCrCb), SKIN_LOW, SKIN_HIGH), np.uint8)


class MotionMask:
    """Which pixels differ from the background, as a mixture of Gaussians describes it (Zivkovic 2004)."""

    def __init__(self) -> None:
        self._background = cv2.createBackgroundSubtractorMOG2(detectShadows=True)
        self._seen = 0

    def __call__(self, picture: Image) -> Image:
        """The mask of a picture, from which the background is learned, too. Shadows do not count."""
        self._seen += 1
        rate = 1 / self._seen if self._seen <= _LEARNING_FRAMES else _SLOW_LEARNING
        return np.asarray(np.where(self._background.apply(picture, learningRate=rate) == 255, 255, 0), np.uint8)


def _hand(outline: NDArray[np.int32], picture: Image) -> FoundHand:
    height, width = picture.shape[:2]
    x, y, w, h = cv2.boundingRect(outline)
    pixels = cv2.contourArea(outline) + len(outline) / 2 + 1  # Pick's theorem: the outline runs through their centers
    pixels -= _EDGE * len(outline)
    return FoundHand(x / width, y / height, w / width, h / height, pixels / (width * height))


@dataclass(frozen=True)
class PlayingHands:
    """Which hand sets the pitch, and which one the loudness."""

    pitch: FoundHand | None
    loudness: FoundHand | None = None

    @property
    def reading(self) -> HandReading:
        """What the tone needs of it. The higher the hand for the loudness, the louder; without one, it is 1."""
        if self.pitch is None:
            return NO_HAND
        if self.loudness is None:
            return HandReading(self.pitch.area, 1.0)
        return HandReading(self.pitch.area, loudness_at(self.loudness.center[1]))


def loudness_at(from_top: float) -> float:
    """The loudness of a hand at a height: silent at the lowest tenth of the picture, full at the highest.

    As with a real theremin, a hand that is lowered makes the tone softer.
    """
    return min(max((0.9 - from_top) / 0.8, 0.0), 1.0)


def roles(hands: Sequence[FoundHand]) -> PlayingHands:
    """A single hand sets the pitch. Of two, the right one in the picture does, and the left one sets the loudness."""
    if len(hands) < 2:
        return PlayingHands(hands[0] if hands else None)
    left, right = sorted(hands[:2], key=lambda hand: hand.center[0])
    return PlayingHands(pitch=right, loudness=left)
