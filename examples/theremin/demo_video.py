"""`python -m examples.theremin.demo_video FILE`: a synthesized hand that plays the song, for machines without a camera.

The hand has the color of skin, and exactly the area that each note needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Final

import cv2
import numpy as np
import typer

from examples.theremin.hands import Image
from examples.theremin.melody import DEFAULT_SONG, Melody, read_melody
from examples.theremin.notes import DEFAULT_RANGE, PitchRange
from tidzam.errors import SetupError
from tidzam.terminal import command_line, exit_on_error

FPS: Final = 30.0
WIDTH, HEIGHT = 640, 480
SKIN: Final = (110, 150, 215)
"""Blue, green and red."""
_GLIDE_S: Final = 0.03
"""How quickly the hand changes its size."""
_TAIL_S: Final = 1.5
Point = tuple[float, float]


def picture(area: float | None, center: Point = (0.6, 0.52), *, other: Point | None = None) -> Image:
    """A hand of that area (share of the picture) at `center`; without an area, an empty room.

    `other` is the center of a second, small hand. Centers are shares of the width and the height.
    """
    image = _room()
    if area:
        _draw_hand(image, area, center)
    if other is not None:
        _draw_hand(image, 0.02, other)
    return image


def _room() -> Image:
    """A dim wall with a shelf, in the colors of neither skin nor hands."""
    shade = np.linspace(90, 50, HEIGHT)[:, np.newaxis, np.newaxis] * np.array([1.05, 1.0, 0.85])
    image = np.broadcast_to(shade, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    cv2.rectangle(image := image.copy(), (0, 90), (WIDTH, 104), (70, 80, 60), -1)
    return image


def _draw_hand(image: Image, area: float, center: Point) -> None:
    large = _large_hand()
    scale = math.sqrt(area * WIDTH * HEIGHT / np.count_nonzero(large))
    mask = np.asarray(cv2.resize(large, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    height, width = mask.shape
    left, top = round(center[0] * WIDTH - width / 2), round(center[1] * HEIGHT - height / 2)
    left, top = min(max(left, 0), WIDTH - width), min(max(top, 0), HEIGHT - height)
    image[top : top + height, left : left + width][mask > 127] = SKIN


@cache
def _large_hand() -> Image:
    """A palm with five fingers, as a mask."""
    size = 500
    mask = np.zeros((2 * size, 2 * size), np.uint8)
    palm = size, size
    cv2.ellipse(mask, palm, (round(0.4 * size), round(0.44 * size)), 0, 0, 360, 255, -1)
    for angle, length in ((-58, 0.68), (-26, 0.76), (-9, 0.82), (9, 0.8), (26, 0.7)):
        x, y = math.sin(math.radians(angle)), -math.cos(math.radians(angle))
        tip = round(palm[0] + x * length * size), round(palm[1] + y * length * size)
        cv2.line(mask, palm, tip, 255, round(0.19 * size))
    left, top, width, height = cv2.boundingRect(mask)
    return mask[top : top + height, left : left + width]


def areas_of(melody: Melody, range_: PitchRange = DEFAULT_RANGE, *, fps: float = FPS) -> list[float | None]:
    """The area of the hand in each picture while it plays a melody. Nobody is there before it, and at its end."""
    frames = math.ceil((melody.end_s + _TAIL_S) * fps)
    areas: list[float | None] = []
    size = math.log2(range_.area_of_note(melody.notes[0].note))
    share = 1 - math.exp(-1 / (fps * _GLIDE_S))
    for number in range(frames):
        time_s = number / fps
        note = next((one for one in melody.notes if one.start_s <= time_s < one.end_s), None)
        if note is not None:
            size += share * (math.log2(range_.area_of_note(note.note)) - size)
        areas.append(2**size if note is not None else None)
    return areas


def write_video(path: Path, pictures: Iterable[Image], *, fps: float = FPS) -> Path:
    """A video of pictures, in MJPEG as from a camera. Raises SetupError."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (WIDTH, HEIGHT))
    if not writer.isOpened():
        raise SetupError(f"{path} cannot be written.", hint="A video is an .avi file in a folder that exists.")
    for image in pictures:
        writer.write(image)
    writer.release()
    return path


app = command_line()


@app.command(help=__doc__)
def main(file: Annotated[Path, typer.Argument(help="The video to write, an .avi file.")]) -> None:
    """Write the video of the default song. Raises SetupError."""
    write_video(file, map(picture, areas_of(read_melody(DEFAULT_SONG))))


if __name__ == "__main__":
    with exit_on_error("demo_video"):
        app()
