"""A restored home equals the one that was backed up, on both databases and from one to the other."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from tests.support.backups import FILES, SECRET, make_home, rows_of, tree
from tests.support.store import KINDS, new_store
from tests.support.store import store_settings as store_settings
from tidzam.backup import checksums
from tidzam.backup.create import BackupSource, create_backup
from tidzam.backup.restore import restore_backup
from tidzam.backup.shelf import BackupShelf
from tidzam.config import Settings, load_settings
from tidzam.config.store import StoreSettings
from tidzam.errors import BackupError, ConfigError, NodeError, StoreError
from tidzam.jobs.queue import JobQueue
from tidzam.jobs.states import RESTORED, JobState
from tidzam.node.home import Home
from tidzam.store.database import open_store
from tidzam.store.records import RecordingRecord
from tidzam.store.tables.accounts import LoginSessionRow, UserRow
from tidzam.store.tables.jobs import JobRow
from tidzam.store.tables.recordings import RecordingRow
from tidzam.store.writer import StoreWriter


@pytest.fixture
def source(tmp_path: Path) -> BackupSource:
    (tmp_path / "old").mkdir()
    return make_home(tmp_path / "old", StoreSettings())


@pytest.fixture
def backup(source: BackupSource, tmp_path: Path) -> Path:
    shelf = BackupShelf(tmp_path / "backups")
    create_backup(source, shelf)
    return shelf.latest()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "new")


def test_all_files_are_there(backup: Path, home: Home) -> None:
    restore_backup(backup, home)
    found = tree(home.root)
    assert {name: found.get(name) for name in FILES} == FILES


def test_files_keep_their_times_and_modes(backup: Path, home: Home, source: BackupSource) -> None:
    restore_backup(backup, home)
    name = "clips/birds-wren/a.flac"
    old, new = (source.home / name).stat(), (home.root / name).stat()
    assert (new.st_mtime_ns, new.st_mode) == (old.st_mtime_ns, old.st_mode)


@pytest.mark.parametrize("target", KINDS)
def test_the_store_has_every_row(
    target: str, store_settings: StoreSettings, tmp_path: Path, home: Home, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "old").mkdir()
    source = make_home(tmp_path / "old", store_settings, detections=200)
    shelf = BackupShelf(tmp_path / "backups")
    create_backup(source, shelf)
    settings = Settings(store=new_store(target, request.config))
    restore_backup(shelf.latest(), home, settings=settings)
    with open_store(settings.store, home.root) as restored, open_store(store_settings, source.home) as original:
        assert rows_of(restored) == rows_of(original)


def test_without_a_profile_the_store_goes_where_the_restored_one_says(
    tmp_path: Path, home: Home, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password is not in the backup, and is given by the variable that stands in its place."""
    settings = new_store("postgresql", request.config)
    (tmp_path / "old").mkdir()
    shelf = BackupShelf(tmp_path / "backups")
    create_backup(make_home(tmp_path / "old", settings), shelf)
    monkeypatch.delenv("TIDZAM_STORE_PASSWORD", raising=False)
    with pytest.raises(ConfigError, match="TIDZAM_STORE_PASSWORD is not set"):
        restore_backup(shelf.latest(), home)
    monkeypatch.setenv("TIDZAM_STORE_PASSWORD", getattr(settings.password, "get_secret_value")())  # noqa: B009
    with pytest.raises(StoreError, match="is not empty"):
        restore_backup(shelf.latest(), home)


def test_the_profile_leads_to_the_new_home(backup: Path, home: Home) -> None:
    restore_backup(backup, home)
    settings = load_settings(home.profile)
    record = settings.sources[0].record
    assert (settings.home, record and record.path) == (home.root, home.root / "recordings")


@pytest.mark.parametrize("state_file", [None, "state/clients.json"])
def test_the_sources_of_clients_are_recorded_in_the_new_home(
    tmp_path: Path, source: BackupSource, home: Home, state_file: str | None
) -> None:
    kept = source.home / (state_file or "client-sources.json")
    kept.parent.mkdir(exist_ok=True)
    folders = [str(source.home / "recordings"), "/elsewhere"]
    sources = [{"name": f"s{number}", "record": {"path": path}} for number, path in enumerate(folders)]
    kept.write_text(json.dumps({"version": 1, "sources": sources}))
    if state_file is not None:
        profile = source.home / "profile.yaml"
        values = yaml.safe_load(profile.read_bytes()) | {"stream_manager": {"state_file": str(kept)}}
        profile.write_text(yaml.safe_dump(values))
        source = BackupSource(home=source.home, settings=load_settings(profile))
    shelf = BackupShelf(tmp_path / "backups")
    create_backup(source, shelf)
    restore_backup(shelf.latest(), home)
    found = json.loads((home.root / kept.relative_to(source.home)).read_bytes())["sources"]
    assert [one["record"]["path"] for one in found] == [str(home.root / "recordings"), "/elsewhere"]


def test_folders_from_outside_the_home_are_in_it(backup: Path, home: Home, tmp_path: Path) -> None:
    restore_backup(backup, home)
    sink = load_settings(home.profile).analyzer.sinks[0]
    folder = getattr(sink, "folder")  # noqa: B009
    assert folder == home.root / "outside" / "clips"
    assert tree(folder) == tree(tmp_path / "old" / "clips")


def test_folders_from_outside_the_home_are_where_they_were_if_asked(backup: Path, home: Home, tmp_path: Path) -> None:
    content = tree(tmp_path / "old" / "clips")
    (tmp_path / "old").rename(tmp_path / "lost")
    restore_backup(backup, home, original_folders=True)
    assert tree(tmp_path / "old" / "clips") == content


def test_folders_from_outside_the_home_are_not_overwritten(backup: Path, home: Home) -> None:
    with pytest.raises(BackupError, match=r"clips is not empty: it contains frogs"):
        restore_backup(backup, home, original_folders=True)


def test_a_restored_home_can_be_backed_up_and_restored(backup: Path, home: Home, tmp_path: Path) -> None:
    restore_backup(backup, home)
    shelf = BackupShelf(tmp_path / "second")
    create_backup(BackupSource(home=home.root, settings=load_settings(home.profile)), shelf)
    again = Home(tmp_path / "again")
    restore_backup(shelf.latest(), again)
    names = [name for name in tree(home.root) if not name.endswith((".sqlite3", ".sqlite", "profile.yaml", ".lock"))]
    assert {name: tree(again.root).get(name) for name in names} == {name: tree(home.root)[name] for name in names}


def test_credentials_come_back_if_they_are_in_the_backup(source: BackupSource, home: Home, tmp_path: Path) -> None:
    shelf = BackupShelf(tmp_path / "backups")
    create_backup(source, shelf, credentials=True)
    restore_backup(shelf.latest(), home)
    assert SECRET in str(yaml.safe_load(home.profile.read_text())["sources"][0]["url"])


def test_a_home_that_is_not_empty_is_refused(backup: Path, home: Home) -> None:
    home.root.mkdir()
    (home.root / "clips").mkdir()
    with pytest.raises(BackupError, match=r"is not empty: it contains clips\. .*empty home") as caught:
        restore_backup(backup, home)
    assert caught.value.code == "home_not_empty"


def test_the_home_of_a_running_node_is_refused(backup: Path, home: Home) -> None:
    process = subprocess.Popen(["sleep", "60"], env={**os.environ, "TIDZAM_NODE": str(home.root)})
    try:
        with pytest.raises(NodeError, match="is running"):
            restore_backup(backup, home)
    finally:
        process.kill()
        process.wait()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [flip, Path.unlink], ids=["flipped bit", "missing file"])
@pytest.mark.parametrize("name", ["home/recordings/pond-2026-05-01-12-00-00.flac", "database/tidzam.sqlite3"])
def test_a_damaged_backup_leaves_the_home_empty(
    backup: Path, home: Home, name: str, damage: Callable[[Path], None]
) -> None:
    damage(backup / name)
    with pytest.raises(BackupError, match="is damaged") as caught:
        restore_backup(backup, home)
    assert caught.value.code == "backup_damaged"
    assert list(home.root.iterdir()) == []


def test_what_a_killed_restoration_left_is_replaced(backup: Path, home: Home) -> None:
    (home.root / ".restoring" / "home" / "clips").mkdir(parents=True)
    (home.root / ".restoring" / "home" / "clips" / "half.flac").write_bytes(b"half")
    restore_backup(backup, home)
    assert not [name for name in tree(home.root) if "half" in name or "restoring" in name]


def test_accounts_are_restored_and_their_sessions_have_ended(source: BackupSource, home: Home, tmp_path: Path) -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    with open_store(StoreSettings(), source.home) as store, store.write() as session:
        user = UserRow(name="ada", role="admin", password_hash="$argon2id$", created=now, password_changed=now)
        user.sessions = [
            LoginSessionRow(id="0" * 64, csrf_token="1", created=now, last_used=now, address="::1", agent="curl")
        ]
        session.add(user)
    shelf = BackupShelf(tmp_path / "backups")
    create_backup(source, shelf)
    restore_backup(shelf.latest(), home)
    with open_store(StoreSettings(), home.root) as store, store.read() as session:
        assert session.scalars(select(UserRow.name)).all() == ["ada"]
        assert session.scalars(select(LoginSessionRow)).all() == []


def test_the_recordings_in_the_store_are_found_in_the_new_home(
    source: BackupSource, home: Home, tmp_path: Path
) -> None:
    paths = [str(source.home / "recordings" / "a.flac"), str(tmp_path / "old" / "clips" / "b.flac"), "/other/c.flac"]
    start = datetime(2026, 5, 1, tzinfo=UTC)
    with open_store(StoreSettings(), source.home) as store:
        StoreWriter(store).write(
            [
                RecordingRecord(node=node, source="pond", path=path, start=start, end=start, channels=1, bytes=1)
                for path in paths
                for node in ("garden", "meadow")
            ]
        )
    shelf = BackupShelf(tmp_path / "backups")
    create_backup(source, shelf)
    restore_backup(shelf.latest(), home)
    with open_store(StoreSettings(), home.root) as store, store.read() as session:
        found = sorted(session.scalars(select(RecordingRow.path)))
    new = [str(home.root / "recordings" / "a.flac"), str(home.root / "outside" / "clips" / "b.flac"), "/other/c.flac"]
    assert found == sorted([*new, *paths])  # those of the other node stay where they are


def test_a_path_that_leads_out_of_the_backup_is_refused(backup: Path, home: Home, tmp_path: Path) -> None:
    (backup / "x").write_bytes(b"x")
    sums = checksums.parse((backup / "SHA256SUMS").read_bytes())
    escape = {"home/../../../x": checksums.checksum(backup / "x")}
    (backup / "SHA256SUMS").write_bytes(checksums.to_text(sums | escape))
    with pytest.raises(BackupError, match="leads out of the backup") as caught:
        restore_backup(backup, home)
    assert caught.value.code == "backup_damaged"


def test_jobs_that_had_not_ended_have_failed(source: BackupSource, tmp_path: Path, home: Home) -> None:
    """Their commands are about the old home; and a backup that a job makes has that job as one that runs."""
    now = datetime(2026, 5, 1, tzinfo=UTC)
    with open_store(StoreSettings(), source.home) as store, store.write() as session:
        for _ in range(2):
            JobQueue(session, "garden").add("backup", "Backup", {}, user_id=None, now=now)
        JobQueue(session, "garden").start_next(now=now)
    shelf = BackupShelf(tmp_path / "backups")
    create_backup(source, shelf)
    restore_backup(shelf.latest(), home)
    with open_store(StoreSettings(), home.root) as store, store.read() as session:
        found = [(row.state, row.message, row.ended is None) for row in session.scalars(select(JobRow))]
    assert found == [(JobState.FAILED, RESTORED, False)] * 2
