"""Silero VAD, which detects speech. Its network comes with the PyPI package `silero-vad`, under the MIT license.

The package itself, which would need PyTorch, is never installed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tidzam.atomic import swap_in
from tidzam.errors import BundleError
from tidzam.manifest_fields import sha256_of
from tidzam.models.package import fetch_package
from tidzam.speech.silero import CHECKSUM, FILE, NAME, SileroNetwork
from tidzam.temporaries import temporary_folder

PACKAGE: Final = "silero-vad==6.2.3"
SIZE_MB: Final = 11
LICENSE: Final = "MIT"
LICENSE_FILE: Final = "LICENSE"
_DATA: Final = "silero_vad/data"
_LICENSE_PATH: Final = "silero_vad-6.2.3.dist-info/licenses/LICENSE"


def add_silero(
    folder: Path,
    *,
    say: Callable[[str], object] = lambda _: None,
    fetch: Callable[[str, Path], None] = fetch_package,
) -> Path:
    """Install the network and its license in `folder/silero-vad`, in place of older ones. Returns that folder.

    Raises BundleError: `bundle_checksum` if the package holds another file, `bundle_write`; SetupError as
    `fetch_package`, or if the network cannot be loaded (`speech_detector`).
    """
    say(f"fetching the package {PACKAGE} ({SIZE_MB} MB)")
    with tempfile.TemporaryDirectory(prefix="tidzam-silero-") as temporary:
        fetch(PACKAGE, Path(temporary))
        network, license_text = Path(temporary) / _DATA / FILE, Path(temporary) / _LICENSE_PATH
        _verify(network)
        return _install(folder, network, license_text)


def _verify(network: Path) -> None:
    if not network.is_file() or sha256_of(network) != CHECKSUM:
        raise BundleError(
            f"{network.name} of the package {PACKAGE} is missing, or is not the file that this version of Tidzam "
            "knows.",
            hint="Try again; if it happens again, the package was changed: report it.",
            code="bundle_checksum",
        )


def _install(folder: Path, network: Path, license_text: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary_folder(folder) as temporary:
            fresh = temporary / NAME
            fresh.mkdir()
            shutil.copyfile(network, fresh / FILE)
            if license_text.is_file():
                shutil.copyfile(license_text, fresh / LICENSE_FILE)
            SileroNetwork(fresh / FILE)
            swap_in(fresh, folder / NAME)
    except OSError as error:
        raise BundleError(
            f"Silero VAD cannot be written to {folder}: {error.strerror}.",
            hint="Check the permissions and the free space of the disk, or choose another place with --home.",
            code="bundle_write",
        ) from None
    return folder / NAME
