"""Any damage to a backup is found."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.support.backups import make_home
from tidzam.backup.checksums import checksum, parse, to_text
from tidzam.backup.create import create_backup
from tidzam.backup.record import read_record
from tidzam.backup.shelf import BackupShelf
from tidzam.backup.verify import BackupDamage, verify_backup
from tidzam.config.store import StoreSettings
from tidzam.errors import BackupError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    shelf = BackupShelf(folder / "backups")
    create_backup(make_home(folder, StoreSettings()), shelf)
    return shelf.latest()


@pytest.fixture
def backup(made: Path, tmp_path: Path) -> Path:
    """A backup of a test's own."""
    return Path(shutil.copytree(made, tmp_path / made.name))


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_flipped_bit_is_found_in_every_file(backup: Path) -> None:
    rng = random.Random(1)
    missed = []
    for path in files_of(backup):
        content = path.read_bytes()
        if not content:
            continue
        changed = bytearray(content)
        changed[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        if not verify_backup(backup):
            missed.append(path)
        path.write_bytes(content)
    assert missed == []


def test_every_bit_of_the_checksums_counts(backup: Path) -> None:
    path = backup / "SHA256SUMS"
    content = path.read_bytes()
    missed = []
    for at in range(0, len(content), 7):
        changed = bytearray(content)
        changed[at] ^= 1
        path.write_bytes(changed)
        if not verify_backup(backup):
            missed.append(at)
    assert missed == []


def test_the_damaged_file_is_named(backup: Path) -> None:
    path = backup / "home" / "clips" / "birds-wren" / "a.flac"
    path.write_bytes(b"X" + path.read_bytes()[1:])
    assert verify_backup(backup) == [BackupDamage("home/clips/birds-wren/a.flac", "changed")]


def test_every_missing_file_is_found(backup: Path) -> None:
    missed = []
    for path in files_of(backup):
        away = path.with_name("away")
        path.rename(backup.parent / "away")
        if not verify_backup(backup):
            missed.append(path)
        (backup.parent / "away").rename(path)
        assert not away.exists()
    assert missed == []


def test_a_file_that_was_added_is_found(backup: Path) -> None:
    (backup / "home" / "clips" / "other.flac").write_bytes(b"")
    assert verify_backup(backup) == [BackupDamage("home/clips/other.flac", "unknown")]


def test_a_store_that_was_damaged_before_it_was_copied_is_found(backup: Path) -> None:
    path = backup / "database" / "tidzam.sqlite3"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 2 * 4096))
    sums = parse((backup / "SHA256SUMS").read_bytes())
    (backup / "SHA256SUMS").write_bytes(to_text(sums | {"database/tidzam.sqlite3": checksum(path)}))
    assert [(one.path, one.kind) for one in verify_backup(backup)] == [("database/tidzam.sqlite3", "corrupt")]


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"version": 2}', '{"version": 1, "name": 3}'])
def test_a_damaged_record_is_reported(backup: Path, content: str) -> None:
    (backup / "backup.json").write_text(content)
    with pytest.raises(BackupError, match=r"backup\.json is damaged"):
        read_record(backup)
