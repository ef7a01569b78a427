"""The JavaScript libraries from npm: pinned, complete, and with their licenses."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from console.vendor import LIBRARIES, VENDOR, VendoredFile, fetch
from tests.check_javascript import PROJECT


def test_there_is_nothing_but_the_files_of_the_libraries() -> None:
    expected = {name for library in LIBRARIES for name in library.files}
    assert {path.name for path in VENDOR.iterdir()} == expected


@pytest.mark.parametrize(
    ("name", "sha256"), [(name, file.sha256) for library in LIBRARIES for name, file in library.files.items()]
)
def test_each_file_is_the_pinned_one(name: str, sha256: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == sha256


def test_the_types_are_of_the_version_that_is_used() -> None:
    typed = json.loads((PROJECT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    versions = {library.package: library.version for library in LIBRARIES}
    assert typed["wavesurfer.js"] == versions["wavesurfer.js"]


def test_each_library_has_its_license() -> None:
    assert all(any(name.endswith("LICENSE") for name in library.files) for library in LIBRARIES)


def test_an_archive_with_another_checksum_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pack(argv: list[str], **_: object) -> None:
        """What npm does, with another content."""
        with tarfile.open(Path(argv[-1]) / "library.tgz", "w:gz") as archive:
            member = tarfile.TarInfo("package/LICENSE")
            archive.addfile(member, io.BytesIO())

    monkeypatch.setattr(subprocess, "run", pack)
    library = replace(LIBRARIES[0], files={"LICENSE": VendoredFile("LICENSE", "")})
    with pytest.raises(ValueError, match="has the SHA-512"):
        fetch(library, tmp_path)
    assert list(tmp_path.iterdir()) == []
