"""Draws the frames of the window: a moving spectrogram per channel, and the classes on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analyzer.files.recording import AnalyzedFile
from analyzer.files.report import FileDetection, clock
from analyzer.show.rolling_spectrogram import COLUMNS_PER_S, RollingSpectrogram
from tidzam.errors import SetupError
from tidzam.text import printable
from tidzam.types import Float32

WIDTH: Final = 1280
PAST_S: Final = 15.0
"""Seconds that are shown before the position; the rest of the width lies ahead of it."""
SPAN_S: Final = WIDTH / COLUMNS_PER_S
_HEAD: Final = 26
_GAP: Final = 4
_MOST_HEIGHT: Final = 900
_LINE: Final = 18
_LANES: Final = 4
_TEXT, _POSITION = (255, 255, 255), (255, 255, 255)


@dataclass(frozen=True)
class FrameLayout:
    """The sizes of a frame with spectrograms of so many `channels`."""

    channels: int

    @property
    def row_height(self) -> int:
        return max(40, min(220, (_MOST_HEIGHT - _HEAD) // self.channels - _GAP))

    @property
    def height(self) -> int:
        """An even number, which every output takes."""
        return (_HEAD + self.channels * (self.row_height + _GAP) + 1) // 2 * 2

    def top(self, row: int) -> int:
        return _HEAD + row * (self.row_height + _GAP)


class FrameDrawer:
    """Draws the frame at a position of a recording, whose sound it reads itself as the position advances."""

    def __init__(self, recording: AnalyzedFile, blocks: Iterator[Float32]) -> None:
        """`blocks` holds the channels of `recording`. Raises SetupError without Matplotlib and Pillow."""
        self.layout = FrameLayout(len(recording.names))
        self._recording = recording
        self._image_module, self._draw_module, font_module, self._colors, fonts = _libraries()
        self._font = font_module.truetype(str(fonts / "DejaVuSans.ttf"), 13)
        self._spectrogram = RollingSpectrogram(
            blocks, recording.rate_hz, len(recording.names), rows=self.layout.row_height, columns=WIDTH
        )

    def frame(self, position_s: float, found: Sequence[FileDetection]) -> bytes:
        """The frame at a position: RGB, WIDTH by `layout.height` pixels, row by row."""
        begin_s = position_s - PAST_S
        self._spectrogram.read_until(begin_s + SPAN_S)
        pixels = np.zeros((self.layout.height, WIDTH, 3), np.uint8)
        for row, bright in enumerate(self._spectrogram.view(begin_s + SPAN_S)):
            top = self.layout.top(row)
            pixels[top : top + self.layout.row_height] = self._colors[bright]
        image = self._image_module.fromarray(pixels)
        draw = self._draw_module.Draw(image, "RGBA")
        for row, channel in enumerate(self._recording.names.values()):
            heard = [one for one in found if channel in (one.channels or (one.channel,))]
            self._draw_channel(draw, row, heard, begin_s)
            bottom = self.layout.top(row) + self.layout.row_height
            draw.text((6, bottom - _LINE), f"channel {channel}", _TEXT, self._font)
        x = round(PAST_S * COLUMNS_PER_S)
        draw.line((x, _HEAD, x, self.layout.height), _POSITION, 1)
        draw.text((6, 5), self._title(position_s), _TEXT, self._font)
        drawn: bytes = image.tobytes()
        return drawn

    def has_passed(self, position_s: float) -> bool:
        """Whether a position is past the end of the sound, as far as it was read."""
        return self._spectrogram.has_passed(position_s)

    def _title(self, position_s: float) -> str:
        recording = self._recording
        name = printable(next(iter(recording.names)).rpartition(":")[0])
        time = recording.time_of(round(position_s * recording.rate_hz))
        return f"{name}  {clock(position_s)}" + (f"  {time:%Y-%m-%d %H:%M:%S} UTC" if recording.dated else "")

    def _draw_channel(self, draw: Any, row: int, found: Sequence[FileDetection], begin_s: float) -> None:
        """A frame around each detection that is in view, and its class."""
        top = self.layout.top(row)
        free = [0.0] * _LANES
        for one in sorted(found, key=lambda one: one.start_s):
            left, right = ((time_s - begin_s) * COLUMNS_PER_S for time_s in (one.start_s, one.end_s))
            if right < 0 or left >= WIDTH:
                continue
            color = color_of(one.detection.label)
            box = (max(left, -2), top, min(right, WIDTH + 1), top + self.layout.row_height - 1)
            draw.rectangle(box, fill=(*color, 36), outline=color, width=2)
            text = f"{printable(one.detection.label)} {one.detection.peak_probability:.2f}"
            begin = max(left, 0.0)
            lane = next((lane for lane, from_x in enumerate(free) if from_x <= begin), None)
            if lane is not None:
                wide = draw.textlength(text, self._font) + 8
                free[lane] = begin + wide
                y = top + 1 + lane * _LINE
                draw.rectangle((begin, y, begin + wide, y + _LINE - 1), fill=(*color, 220))
                draw.text((begin + 4, y + 1), text, _TEXT, self._font)


def color_of(label: str) -> tuple[int, int, int]:
    """The color of a class: always the same, and dark enough for white text."""
    number = sum(ord(character) * (31**place % 997) for place, character in enumerate(label))
    palette = (
        *((31, 119, 180), (200, 90, 10), (44, 130, 44), (190, 40, 40), (130, 90, 180), (140, 86, 75)),
        *((190, 70, 150), (100, 100, 100), (130, 130, 20), (20, 140, 150)),
    )
    return palette[number % len(palette)]


def _libraries() -> tuple[Any, Any, Any, NDArray[np.uint8], Path]:
    """Pillow's modules, and Matplotlib's colors (256, 3) and fonts."""
    try:
        import matplotlib
        from PIL import Image, ImageDraw, ImageFont
    except ImportError:
        raise SetupError(
            "The window of --show needs the packages matplotlib and pillow.",
            hint="Run `bin/tidzam install show`, or `pip install 'tidzam[show]'`.",
        ) from None
    colors = (matplotlib.colormaps["magma"](np.arange(256))[:, :3] * 255).astype(np.uint8)
    return Image, ImageDraw, ImageFont, colors, Path(matplotlib.get_data_path()) / "fonts" / "ttf"
