"""The JavaScript libraries from npm: pinned, complete, and with their licenses."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from console.vendor import LIBRARIES, VENDOR, fetch


def test_there_is_nothing_but_the_files_of_the_libraries() -> None:
    expected = {name for library in LIBRARIES for name in library.files}
    assert {path.name for path in VENDOR.iterdir()} == expected


def test_each_library_has_its_license() -> None:
    assert all(any(name.endswith("LICENSE") for name in library.files) for library in LIBRARIES)


def test_an_archive_with_another_checksum_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pack(argv: list[str], **_: object) -> None:
        """What npm does, with another content."""
        with tarfile.open(Path(argv[-1]) / "library.tgz", "w:gz") as archive:
            member = tarfile.TarInfo("package/LICENSE")
            archive.addfile(member, io.BytesIO())

    monkeypatch.setattr(subprocess, "run", pack)
    library = replace(LIBRARIES[0], files={"LICENSE": "LICENSE"})
    with pytest.raises(ValueError, match="has the SHA-512"):
        fetch(library, tmp_path)
    assert list(tmp_path.iterdir()) == []
