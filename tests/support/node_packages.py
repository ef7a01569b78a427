"""Packages of Node that tests need: pinned by a `package-lock.json`, and installed once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_INSTALL_S: Final = 180.0


def node_packages(source: Path) -> Path:
    """A copy of the folder `source` with its packages, which the first call installs. Raises AssertionError."""
    files = sorted(path.relative_to(source) for path in source.rglob("*") if path.is_file())
    content = b"".join(str(name).encode() + (source / name).read_bytes() for name in files)
    folder = _ROOT / "build" / f"{source.name}-{hashlib.sha256(content).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        made = Path(temporary) / "made"
        shutil.copytree(source, made, symlinks=True)
        argv = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        installed = subprocess.run(argv, cwd=made, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
        assert installed.returncode == 0, f"npm ci failed: {installed.stderr}"
        if not folder.is_dir():
            made.rename(folder)
    return folder
