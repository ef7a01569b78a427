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


@dataclass(frozen=True, kw_only=True)
class VendoredLibrary:
    """A library on npm: `files` are its files in the package, by the names that they get here."""

    package: str
    version: str
    sha512: str
    files: Mapping[str, str]


LIBRARIES: Final = (
    VendoredLibrary(
        package="htmx.org",
        version="2.0.11",
        sha512="Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        files={"htmx.min.js": "dist/htmx.min.js", "htmx.LICENSE": "LICENSE"},
    ),
    VendoredLibrary(
        package="wavesurfer.js",
        version="7.12.12",
        sha512="fyKNuREQTliCl4b9w7pUzpFXQIkX5tcdYu1o6vBdH+NlUXvTxshvfbG2hj8OxDevzQNZlDTHzZGyAT3FhuutWw==",
        files={"wavesurfer.esm.js": "dist/wavesurfer.esm.js", "wavesurfer.LICENSE": "LICENSE"},
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
            for target, source in library.files.items():
                member = members.extractfile(f"package/{source}")
                if member is None:
                    raise ValueError(f"{name} has no file {source}")
                (folder / target).write_bytes(member.read())


def main() -> None:
    """Fetch all libraries."""
    VENDOR.mkdir(exist_ok=True)
    for library in LIBRARIES:
        fetch(library, VENDOR)
        print(f"{library.package} {library.version}", file=sys.stderr)


if __name__ == "__main__":
    main()
