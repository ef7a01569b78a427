"""The checksums of a backup are those of `sha256sum`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tidzam.backup.checksums import checksum, parse, to_text

NAMES = ("plain.txt", "with space", "two\nlines", "back\\slash", "carriage\rreturn", "\udcff.bin", "folder/näme")


def test_a_name_of_any_kind_is_read_as_it_was_written() -> None:
    sums = {name: f"{number:064x}" for number, name in enumerate(NAMES)}
    assert parse(to_text(sums)) == sums


def test_sha256sum_accepts_the_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in NAMES:
        (tmp_path / name).write_text(repr(name))
    (tmp_path / "SHA256SUMS").write_bytes(to_text({name: checksum(tmp_path / name) for name in NAMES}))
    checked = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=False)
    assert checked.returncode == 0


@pytest.mark.parametrize("content", [b"", b"hello\n", b"0" * 64 + b"  cut"])
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"line 1 is not|it is cut short"):
        parse(content)
