"""Embeddings for TensorBoard's projector: a table of vectors, their labels, and a sheet of spectrograms."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tidzam.atomic import write_atomically
from tidzam.types import Float32
from trainer.tensorboard.figures import Picture, sprites

CONFIG = "projector_config.pbtxt"
"""The file in which TensorBoard looks for embeddings, in the folder of a run."""
VECTORS, LABELS, SHEET = "embeddings.tsv", "embeddings.labels.tsv", "embeddings.png"
SIDE = 48
"""Width and height of the image of a point, in pixels."""


def write_embeddings(
    folder: Path, vectors: Float32, features: Float32, *, header: Sequence[str], labels: Sequence[Sequence[str]]
) -> None:
    """Write embeddings into `folder`, in place of older ones.

    `vectors` has shape (n, size), `features` (n, frames, mels). `labels` has n rows, with a value for each column of
    `header`.
    """
    from matplotlib.image import imsave

    folder.mkdir(parents=True, exist_ok=True)
    rows = ["\t".join(f"{value:.6g}" for value in vector) for vector in vectors]
    write_atomically(folder / VECTORS, _lines(rows))
    table = ["\t".join(_cell(value) for value in row) for row in [header, *labels]]
    write_atomically(folder / LABELS, _lines(table))
    sheet: Picture = sprites(features, side=SIDE)
    png = io.BytesIO()
    imsave(png, sheet, format="png")
    write_atomically(folder / SHEET, png.getvalue())
    write_atomically(folder / CONFIG, _config().encode())


def _config() -> str:
    from google.protobuf import text_format
    from tensorboard.plugins.projector import ProjectorConfig

    config = ProjectorConfig()
    entry = config.embeddings.add()
    entry.tensor_name, entry.tensor_path, entry.metadata_path = "embeddings", VECTORS, LABELS
    entry.sprite.image_path = SHEET
    entry.sprite.single_image_dim.extend([SIDE, SIDE])
    return str(text_format.MessageToString(config))


def _cell(value: str) -> str:
    return value.replace("\t", " ").replace("\n", " ")


def _lines(rows: Sequence[str]) -> bytes:
    return "".join(f"{row}\n" for row in rows).encode()


def pooled(maps: Float32) -> Float32:
    """The mean of embeddings, shape (n, …, size), over time and frequency: shape (n, size)."""
    vectors: Float32 = maps.reshape(len(maps), -1, maps.shape[-1]).mean(axis=1, dtype=np.float32)
    return vectors
