"""Arrays as pictures, uint8 (height, width, 3), drawn by NumPy alone: cheap enough to be made while training."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidzam.types import Float32

Picture = NDArray[np.uint8]
Float = NDArray[Any]

GAP, GREY = 3, 90
"""Pixels between the tiles of a grid, and how light they are."""


def spectrogram(features: Float32) -> Picture:
    """Of features, shape (frames, mels): time to the right, frequency up, from their lowest to their highest."""
    return coloured(unit(features).T[::-1], "magma")


def kernel_grid(kernels: Float32, *, scale: int = 10) -> Picture:
    """Of kernels, shape (n, height, width): each from its own -max (blue) over 0 (white) to its max (red)."""
    strongest = np.maximum(np.abs(kernels).max(axis=(1, 2), keepdims=True), 1e-12)
    tiles = [coloured(tile.T[::-1], "RdBu_r") for tile in 0.5 + 0.5 * kernels / strongest]
    return grid([enlarged(tile, scale) for tile in tiles])


def map_grid(maps: Float32) -> Picture:
    """Of feature maps, shape (frames, bands, n): each from its own lowest to its highest."""
    return grid([coloured(unit(maps[:, :, k]).T[::-1], "viridis") for k in range(maps.shape[2])])


def sprites(features: Float32, *, side: int) -> Picture:
    """One picture of many spectrograms, each `side` pixels square, in rows of as many as there are rows.

    `features` has shape (n, frames, mels). It is what the projector cuts its points' pictures from.
    """
    across = int(np.ceil(np.sqrt(len(features))))
    sheet = np.zeros((across * side, across * side, 3), dtype=np.uint8)
    for number, one in enumerate(features):
        top, left = side * (number // across), side * (number % across)
        sheet[top : top + side, left : left + side] = resampled(spectrogram(one), side)
    return sheet


def grid(tiles: Iterable[Picture]) -> Picture:
    """Tiles of one size, side by side and below one another, grey between them."""
    every = np.stack(list(tiles))
    n, height, width, _ = every.shape
    across = max(1, round(np.sqrt(n * height / width)))
    down = -(-n // across)
    sheet = np.full((down * (height + GAP) - GAP, across * (width + GAP) - GAP, 3), GREY, dtype=np.uint8)
    for number, tile in enumerate(every):
        top, left = (height + GAP) * (number // across), (width + GAP) * (number % across)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def unit(values: Float) -> Float32:
    """Brought to 0…1; what is all the same is 0."""
    lowest, highest = float(values.min()), float(values.max())
    return ((values - lowest) / max(highest - lowest, 1e-12)).astype(np.float32)


def enlarged(picture: Picture, scale: int) -> Picture:
    """Each pixel `scale` pixels wide and high."""
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def resampled(picture: Picture, side: int) -> Picture:
    """Square, by the nearest pixels."""
    rows, columns = (np.arange(side) * length // side for length in picture.shape[:2])
    square: Picture = picture[np.ix_(rows, columns)]
    return square


def coloured(values: Float, palette: str) -> Picture:
    """Of `values`, shape (height, width), 0…1."""
    picture: Picture = _palette(palette)[np.clip(np.rint(values * 255), 0, 255).astype(np.int64)]
    return picture


@lru_cache(maxsize=8)
def _palette(name: str) -> Picture:
    """256 colours, of matplotlib."""
    from matplotlib import colormaps

    colours: Picture = np.rint(255 * np.asarray(colormaps[name](np.arange(256)))[:, :3]).astype(np.uint8)
    return colours
