"""Manifests of models that others made, without their networks."""

from __future__ import annotations

from pathlib import Path

from tidzam.bundle import MANIFEST
from tidzam.models.birdnet import NAME, birdnet_manifest
from tidzam.paths import models_folder


def install_birdnet_manifest(home: Path | None, labels: str) -> None:
    """What the pages read of an installed BirdNET that knows these labels; it cannot run."""
    folder = models_folder(home) / NAME
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text(birdnet_manifest(labels, threshold=0.5).model_dump_json())
