"""Arrays as images, uint8 (height, width, 3), made by NumPy alone: cheap enough to be made during a training."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidzam.types import Float32

Picture = NDArray[np.uint8]
Float = NDArray[Any]

GAP, GRAY = 3, 90
"""Pixels between the tiles of a grid, and their brightness."""


def spectrogram(features: Float32) -> Picture:
    """An image of features, shape (frames, mels): time to the right, frequency upwards, scaled to their range."""
    return colored(unit(features).T[::-1], "magma")


def kernel_grid(kernels: Float32, *, scale: int = 10) -> Picture:
    """An image of kernels, shape (n, height, width): each from its -max (blue) over 0 (white) to its max (red)."""
    strongest = np.maximum(np.abs(kernels).max(axis=(1, 2), keepdims=True), 1e-12)
    tiles = [colored(tile.T[::-1], "RdBu_r") for tile in 0.5 + 0.5 * kernels / strongest]
    return grid([enlarged(tile, scale) for tile in tiles])


def map_grid(maps: Float32) -> Picture:
    """An image of feature maps, shape (frames, bands, n), each scaled to its range."""
    return grid([colored(unit(maps[:, :, k]).T[::-1], "viridis") for k in range(maps.shape[2])])


def sprites(features: Float32, *, side: int) -> Picture:
    """One image with many spectrograms of `side` by `side` pixels, in a square grid.

    `features` has shape (n, frames, mels). The projector cuts the images of its points from it.
    """
    across = int(np.ceil(np.sqrt(len(features))))
    sheet = np.zeros((across * side, across * side, 3), dtype=np.uint8)
    for number, one in enumerate(features):
        top, left = side * (number // across), side * (number % across)
        sheet[top : top + side, left : left + side] = resampled(spectrogram(one), side)
    return sheet


def grid(tiles: Iterable[Picture]) -> Picture:
    """A grid of tiles of the same size, with gray lines between them."""
    every = np.stack(list(tiles))
    n, height, width, _ = every.shape
    across = max(1, round(np.sqrt(n * height / width)))
    down = -(-n // across)
    sheet = np.full((down * (height + GAP) - GAP, across * (width + GAP) - GAP, 3), GRAY, dtype=np.uint8)
    for number, tile in enumerate(every):
        top, left = (height + GAP) * (number // across), (width + GAP) * (number % across)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def unit(values: Float) -> Float32:
    """`values` scaled to 0…1; constant values become 0."""
    lowest, highest = float(values.min()), float(values.max())
    return ((values - lowest) / max(highest - lowest, 1e-12)).astype(np.float32)


def enlarged(picture: Picture, scale: int) -> Picture:
    """The image with each pixel repeated `scale` times in both directions."""
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def resampled(picture: Picture, side: int) -> Picture:
    """The image resampled to `side` by `side` pixels by nearest neighbors."""
    rows, columns = (np.arange(side) * length // side for length in picture.shape[:2])
    square: Picture = picture[np.ix_(rows, columns)]
    return square


def colored(values: Float, palette: str) -> Picture:
    """An image of `values`, shape (height, width), 0…1."""
    picture: Picture = _palette(palette)[np.clip(np.rint(values * 255), 0, 255).astype(np.int64)]
    return picture


@lru_cache(maxsize=8)
def _palette(name: str) -> Picture:
    """256 colors of a color map of matplotlib, shape (256, 3)."""
    from matplotlib import colormaps

    colors: Picture = np.rint(255 * np.asarray(colormaps[name](np.arange(256)))[:, :3]).astype(np.uint8)
    return colors
