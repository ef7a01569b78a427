"""`python -m console.vendor`: fetch the pinned JavaScript libraries from npm into `static/vendor`, with their licenses.

Every archive is compared with its checksum before anything of it is kept. Nothing is fetched while the console runs.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VENDOR: Final = Path(__file__).parent / "static" / "vendor"


@dataclass(frozen=True)
class VendoredFile:
    """The file `source` of a package, whose content has the SHA-256 `sha256` (hexadecimal)."""

    source: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class VendoredLibrary:
    """A library on npm: `sha512` (Base64) is that of its archive; `files` are by the names that they get here."""

    package: str
    version: str
    sha512: str
    files: Mapping[str, VendoredFile]


LIBRARIES: Final = (
    VendoredLibrary(
        package="htmx.org",
        version="2.0.11",
        sha512="Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        files={
            "htmx.min.js": VendoredFile(
                "dist/htmx.min.js", "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
            ),
            "htmx.LICENSE": VendoredFile("LICENSE", "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38"),
        },
    ),
    VendoredLibrary(
        package="wavesurfer.js",
        version="7.12.12",
        sha512="fyKNuREQTliCl4b9w7pUzpFXQIkX5tcdYu1o6vBdH+NlUXvTxshvfbG2hj8OxDevzQNZlDTHzZGyAT3FhuutWw==",
        files={
            "wavesurfer.esm.js": VendoredFile(
                "dist/wavesurfer.esm.js", "1bca765cc75bc4af079ecd1b2edd659b155e5d1715e75a29d68272d9f141f951"
            ),
            "wavesurfer.LICENSE": VendoredFile(
                "LICENSE", "0fc992dc27cc34dde78bfeb024b4cadff6320f0dcbee2f1228efaeb533ca1364"
            ),
        },
    ),
)


def fetch(library: VendoredLibrary, folder: Path) -> None:
    """Write the files of a library into `folder`. Raises ValueError if the archive is not the expected one."""
    with tempfile.TemporaryDirectory() as place:
        name = f"{library.package}@{library.version}"
        subprocess.run(["npm", "pack", name, "--silent", "--pack-destination", place], check=True, capture_output=True)
        (archive,) = Path(place).iterdir()
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != library.sha512:
            raise ValueError(f"{name} has the SHA-512 {found}, expected {library.sha512}")
        with tarfile.open(archive) as members:
            for target, file in library.files.items():
                member = members.extractfile(f"package/{file.source}")
                if member is None:
                    raise ValueError(f"{name} has no file {file.source}")
                (folder / target).write_bytes(member.read())


def main() -> None:
    """Fetch all libraries."""
    VENDOR.mkdir(exist_ok=True)
    for library in LIBRARIES:
        fetch(library, VENDOR)
        print(f"{library.package} {library.version}", file=sys.stderr)


if __name__ == "__main__":
    main()
