"""Spectrograms for the terminal."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import Final

import numpy as np
from rich.color import Color
from rich.style import Style
from rich.text import Text

from tidzam.types import Float32

RANGE_DB: Final = 60.0
QUIETEST_PEAK_DB: Final = -40.0
"""Features with a lower peak are drawn darker, so that silence is dark."""

_COLOURS: Final = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)])
"""RGB from the floor to the peak, evenly spaced."""

_SHADES: Final = 32


def spectrogram(features: Float32, *, columns: int | None = None, rows: int | None = None) -> Text:
    """Features (frames, mels) in dB as colored half-blocks: time to the right, frequency upwards, a range of 60 dB.

    By default there is one column per frame and one row per two mels. Where several values share a half-block, the
    loudest is drawn.
    """
    lines = half_blocks(features, columns=columns or len(features), rows=rows or features.shape[1] // 2)
    return Text("\n", no_wrap=True).join(Text.assemble(*line) for line in lines)


def half_blocks(features: Float32, *, columns: int, rows: int) -> list[list[tuple[str, Style]]]:
    """The lines of a `spectrogram` from the top, each as runs of one style."""
    picture = _fit(_fit(features, columns).T, 2 * rows)
    peak_db = max(float(picture.max()), QUIETEST_PEAK_DB)
    depth = np.clip((picture[::-1] - peak_db) / RANGE_DB + 1, 0, 1)
    shades = (depth * (_SHADES - 1)).round().astype(int).tolist()
    return [
        [("▀" * len(list(run)), _style(*pair)) for pair, run in groupby(zip(shades[row], shades[row + 1], strict=True))]
        for row in range(0, 2 * rows, 2)
    ]


def _fit(values: Float32, size: int) -> Float32:
    """`values` resized to `size` along the first axis: the maximum of values that fall together, or repeated values."""
    starts = np.arange(size) * len(values) // size
    fitted: Float32 = np.maximum.reduceat(values, starts, axis=0)
    return fitted


@lru_cache(maxsize=_SHADES**2)
def _style(top: int, bottom: int) -> Style:
    return Style(color=_color(top), bgcolor=_color(bottom))


@lru_cache(maxsize=_SHADES)
def _color(shade: int) -> Color:
    stops = np.linspace(0, _SHADES - 1, len(_COLOURS))
    return Color.from_rgb(*(round(float(np.interp(shade, stops, _COLOURS[:, part]))) for part in range(3)))
