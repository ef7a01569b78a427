"""A backup has everything that a node needs again, once, and nothing that it must not have."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.support.backups import FILES, SECRET, TRANSIENT, make_home, tree
from tests.support.ports import free_port
from tidzam.backup.create import BackupSource, create_backup
from tidzam.backup.shelf import BackupShelf
from tidzam.backup.verify import verify_backup
from tidzam.config import Settings
from tidzam.config.store import StoreSettings
from tidzam.errors import BackupError, SetupError, StoreError
from tidzam.store.database import open_store
from tidzam.store.tables.detections import DetectionRow


@pytest.fixture
def source(tmp_path: Path) -> BackupSource:
    return make_home(tmp_path, StoreSettings())


@pytest.fixture
def shelf(tmp_path: Path) -> BackupShelf:
    return BackupShelf(tmp_path / "backups")


def test_a_backup_is_intact(source: BackupSource, shelf: BackupShelf) -> None:
    create_backup(source, shelf)
    assert verify_backup(shelf.latest()) == []


def test_sha256sum_finds_it_intact_too(source: BackupSource, shelf: BackupShelf) -> None:
    create_backup(source, shelf)
    checked = subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"], cwd=shelf.latest(), check=False)
    assert checked.returncode == 0


def test_the_files_of_the_home_are_plain_files(source: BackupSource, shelf: BackupShelf) -> None:
    create_backup(source, shelf)
    found = tree(shelf.latest() / "home")
    assert {name: found.get(name) for name in FILES} == FILES


def test_what_a_start_makes_again_and_what_is_held_back_is_left_out(source: BackupSource, shelf: BackupShelf) -> None:
    create_backup(source, shelf)
    assert not tree(shelf.latest() / "home").keys() & TRANSIENT.keys()


def test_clips_outside_the_home_are_there(source: BackupSource, shelf: BackupShelf, tmp_path: Path) -> None:
    create_backup(source, shelf)
    assert tree(shelf.latest() / "outside" / "clips") == tree(tmp_path / "clips")


def test_an_index_that_is_being_written_is_copied_by_sqlite(source: BackupSource, shelf: BackupShelf) -> None:
    with closing(sqlite3.connect(source.home / "recordings" / "segments.sqlite")) as writer:
        writer.execute("INSERT INTO segments VALUES ('x.flac', 'pond', '2026-05-02T00:00:00.000+00:00', 0.1)")
        writer.commit()  # it is in the write-ahead log only
        create_backup(source, shelf)
    copy = shelf.latest() / "home" / "recordings" / "segments.sqlite"
    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True)) as index:
        assert index.execute("SELECT count(*) FROM segments").fetchone() == (2,)


def test_no_credential_is_in_it(source: BackupSource, shelf: BackupShelf) -> None:
    create_backup(source, shelf)
    assert not [name for name, content in tree(shelf.latest()).items() if SECRET.encode() in content]


def test_credentials_are_in_it_if_asked(source: BackupSource, shelf: BackupShelf) -> None:
    create_backup(source, shelf, credentials=True)
    home = shelf.latest() / "home"
    assert SECRET in (home / "profile.yaml").read_text()
    assert (home / "token").read_bytes() == TRANSIENT["token"]


def test_only_its_owner_may_enter_it(source: BackupSource, shelf: BackupShelf) -> None:
    create_backup(source, shelf)
    assert shelf.latest().stat().st_mode & 0o077 == 0


def test_an_unchanged_file_is_on_the_disk_once(source: BackupSource, shelf: BackupShelf) -> None:
    first, second = create_backup(source, shelf), create_backup(source, shelf)
    name = "home/recordings/pond-2026-05-01-12-00-00.flac"
    inodes = {(shelf.path / record.name / name).stat().st_ino for record in (first, second)}
    assert len(inodes) == 1
    assert second.new_bytes < first.new_bytes - len(FILES["recordings/pond-2026-05-01-12-00-00.flac"])


def test_a_changed_file_is_copied_and_the_old_one_kept(source: BackupSource, shelf: BackupShelf) -> None:
    first = create_backup(source, shelf)
    (source.home / "clips/birds-wren/a.flac").write_bytes(b"new")
    second = create_backup(source, shelf)
    content = [(shelf.path / one.name / "home/clips/birds-wren/a.flac").read_bytes() for one in (first, second)]
    assert content == [FILES["clips/birds-wren/a.flac"], b"new"]


def test_a_full_backup_shares_nothing(source: BackupSource, shelf: BackupShelf) -> None:
    create_backup(source, shelf)
    record = create_backup(source, shelf, full=True)
    assert all(path.stat().st_nlink == 1 for path in (shelf.path / record.name).rglob("*") if path.is_file())


def test_a_backup_of_another_home_shares_nothing(source: BackupSource, shelf: BackupShelf, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make_home(tmp_path / "other", StoreSettings())
    create_backup(other, shelf)
    record = create_backup(source, shelf)
    assert all(path.stat().st_nlink == 1 for path in (shelf.path / record.name).rglob("*") if path.is_file())


def test_the_newest_are_kept(source: BackupSource, shelf: BackupShelf, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = create_backup(make_home(tmp_path / "other", StoreSettings()), shelf)
    records = [create_backup(source, shelf, keep=2) for _ in range(3)]
    assert [record.name for record in shelf.backups()] == sorted([other.name, *(one.name for one in records[1:])])


def test_what_is_left_after_others_were_deleted_is_intact(source: BackupSource, shelf: BackupShelf) -> None:
    for _ in range(3):
        create_backup(source, shelf, keep=1)
    assert verify_backup(shelf.latest()) == []


def test_backups_inside_the_home_do_not_contain_themselves(source: BackupSource) -> None:
    shelf = BackupShelf(source.home / "backups")
    create_backup(source, shelf)
    create_backup(source, shelf)
    assert not [name for name in tree(shelf.latest()) if "backups" in name]


def test_one_backup_at_a_time_is_written_into_a_folder(source: BackupSource, shelf: BackupShelf) -> None:
    shelf.path.mkdir()
    with (shelf.path / ".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match="Another backup is being written"):
            create_backup(source, shelf)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file that another user cannot read")
@pytest.mark.root
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_there(source: BackupSource, shelf: BackupShelf) -> None:
    locked = source.home / "clips" / "birds-wren" / "a.flac"
    locked.unlink()
    locked.symlink_to("/proc/self/mem")  # a regular file that refuses to be read at its beginning
    record = create_backup(source, shelf)
    assert [one.path for one in record.unreadable] == [str(locked)]


def test_a_disk_without_space_is_reported_before_anything_is_copied(
    source: BackupSource, shelf: BackupShelf, tmp_path: Path
) -> None:
    with (source.home / "recordings" / "huge.flac").open("wb") as file:
        file.truncate(shutil.disk_usage(tmp_path).free + (1 << 30))
    with pytest.raises(SetupError, match=r"too little space for the backup: .* MB are needed") as caught:
        create_backup(source, shelf)
    assert caught.value.code == "disk_full"


def test_a_store_that_is_away_is_reported_and_nothing_is_left(source: BackupSource, shelf: BackupShelf) -> None:
    away = StoreSettings(url=f"postgresql://tidzam@127.0.0.1:{free_port()}/tidzam")
    settings = source.settings.model_copy(update={"store": away})
    with pytest.raises(StoreError, match="cannot be used"):
        create_backup(BackupSource(home=source.home, settings=settings), shelf)
    assert (shelf.backups(), shelf.unfinished()) == ([], [])


def test_an_empty_home_with_a_profile_has_a_backup_without_a_store(tmp_path: Path, shelf: BackupShelf) -> None:
    (tmp_path / "new").mkdir()
    record = create_backup(BackupSource(home=tmp_path / "new", settings=Settings()), shelf)
    assert record.store is None


def test_the_store_of_a_backup_can_be_opened(source: BackupSource, shelf: BackupShelf, tmp_path: Path) -> None:
    create_backup(source, shelf)
    (tmp_path / "by-hand" / "store").mkdir(parents=True)
    copy = (shelf.latest() / "database" / "tidzam.sqlite3").read_bytes()
    (tmp_path / "by-hand" / "store" / "tidzam.sqlite3").write_bytes(copy)
    with open_store(StoreSettings(), tmp_path / "by-hand") as store, store.read() as session:
        assert session.scalar(select(func.count()).select_from(DetectionRow)) == 20


def test_a_path_that_cannot_be_followed_is_named_and_the_others_are_there(
    source: BackupSource, shelf: BackupShelf
) -> None:
    loop = source.home / "clips" / "loop.flac"
    loop.symlink_to(loop.name)
    record = create_backup(source, shelf)
    assert [one.path for one in record.unreadable] == [str(loop)]
    assert tree(shelf.latest() / "home")["clips/birds-wren/a.flac"] == FILES["clips/birds-wren/a.flac"]


def test_what_a_file_system_has_repaired_is_left_out(source: BackupSource, shelf: BackupShelf, tmp_path: Path) -> None:
    (tmp_path / "clips" / "lost+found").mkdir()
    (tmp_path / "clips" / "lost+found" / "#12").write_bytes(b"x")
    create_backup(source, shelf)
    assert list(tree(shelf.latest() / "outside" / "clips")) == ["frogs/b.flac"]


def test_a_damaged_record_does_not_hold_up_the_next_backup(source: BackupSource, shelf: BackupShelf) -> None:
    first = create_backup(source, shelf)
    (shelf.path / first.name / "backup.json").write_text("{")
    said: list[str] = []
    second = create_backup(source, shelf, keep=1, say=said.append)
    assert [record.name for record in shelf.readable(said.append)] == [second.name]
    assert [one for one in said if f"{first.name}/backup.json is damaged" in one] == said[:1] + said[-1:]


def test_a_copy_of_the_store_that_cannot_be_written_is_reported(source: BackupSource, shelf: BackupShelf) -> None:
    """SQLite has errors of its own."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(BackupError, match="cannot be written to") as caught:
            create_backup(source, shelf)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(caught.value.__cause__, sqlite3.Error)
