"""The console looks after the store: the clips of what people marked or judged are kept, and old rows are removed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sqlalchemy import delete, select
from sqlalchemy import text as sql

from analyzer.clips.budget import decide
from analyzer.clips.index import ClipIndex
from console.accounts.log_in import begin_session
from console.services.annotations.models import AnnotationView
from console.services.kept_sound import VALUED, KeptSound
from console.services.upkeep import StoreUpkeep
from stream_manager.recorder.retention_run import Retention
from stream_manager.recordings.reports import recording_record
from tests.support.annotations import ANNOTATOR, DAWN, annotation_service, request
from tests.support.eventually import eventually_async
from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tests.support.store_records import NOON, detection
from tidzam.config import Settings
from tidzam.config.clips import ClipBudget
from tidzam.config.recording import KeepSettings, RecordSettings
from tidzam.config.retention import StoreRetentionSettings
from tidzam.config.settings import NodeSettings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.config.sources import SourceSettings
from tidzam.config.store import StoreSettings
from tidzam.store.database import Store
from tidzam.store.records import RecordingRecord, StoreRecord
from tidzam.store.tables.accounts import LoginSessionRow, UserRow
from tidzam.store.tables.detections import DetectionRow, DetectionVerdict
from tidzam.store.verification import mark, verify, withdraw
from tidzam.store.writer import StoreWriter

NAMES = [f"birds-wren/pond-out_0_2026-05-01-12-0{number}-00.000.flac" for number in range(4)]


def settings_of(folder: Path, *, days: float | None = None) -> Settings:
    retention = StoreRetentionSettings(detections_days=days)
    analyzer = Settings().analyzer.model_copy(update={"sinks": (ClipSinkSettings(folder=folder),)})
    return Settings(node=NodeSettings(name="garden"), store=StoreSettings(retention=retention), analyzer=analyzer)


@pytest.fixture
def clips(store: Store, tmp_path: Path) -> Path:
    """A folder with the clips of four detections."""
    folder = tmp_path / "clips"
    (folder / "birds-wren").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(bytes(1000))
        os.utime(folder / name, (number, number))
    StoreWriter(store).write([detection(number, clip=name) for number, name in enumerate(NAMES)])
    return folder


def numbers(store: Store) -> list[int]:
    with store.read() as session:
        return list(session.scalars(select(DetectionRow.id).order_by(DetectionRow.start)))


def marks(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)).removesuffix(".keep") for path in folder.rglob("*.keep"))


def test_the_clips_of_what_is_marked_or_judged_are_kept(store: Store, clips: Path) -> None:
    found = numbers(store)
    with store.write() as session:
        mark(session, [found[0]], is_marked=True)
        verify(session, [found[2]], DetectionVerdict.WRONG, user_id=None, now=NOON)
    KeptSound(store, settings_of(clips)).refresh()
    assert marks(clips) == [NAMES[0], NAMES[2]]


def test_the_clip_budget_spares_them(store: Store, clips: Path) -> None:
    with store.write() as session:
        mark(session, [numbers(store)[0]], is_marked=True)
    KeptSound(store, settings_of(clips)).refresh()
    decision = decide(ClipIndex(clips).clips, ClipBudget(gigabytes=2e-6), free_bytes=10**12)
    assert sorted(clip.path for clip in decision.delete) == NAMES[1:3]


@pytest.mark.parametrize("restarted", [False, True])
def test_they_are_released_when_that_is_withdrawn(store: Store, clips: Path, restarted: bool) -> None:
    found = numbers(store)
    with store.write() as session:
        mark(session, found[:1], is_marked=True)
        verify(session, found[1:2], DetectionVerdict.RIGHT, user_id=None, now=NOON)
    kept = KeptSound(store, settings_of(clips))
    kept.refresh()
    with store.write() as session:
        mark(session, found[:1], is_marked=False)
        withdraw(session, found[1:2], user_id=None)
    (KeptSound(store, settings_of(clips)) if restarted else kept).refresh()
    assert marks(clips) == []


def test_the_marks_that_people_make_stay(store: Store, clips: Path) -> None:
    (clips / f"{NAMES[3]}.keep").touch()
    with store.write() as session:
        mark(session, numbers(store)[3:], is_marked=True)
    kept = KeptSound(store, settings_of(clips))
    kept.refresh()
    with store.write() as session:
        mark(session, numbers(store)[3:], is_marked=False)
    kept.refresh()
    assert marks(clips) == [NAMES[3]]


@pytest.mark.parametrize("clip", ["../outside.flac", "/etc/hostname"])
def test_a_clip_outside_of_the_folders_is_not_marked(store: Store, clips: Path, clip: str) -> None:
    (clips.parent / "outside.flac").write_bytes(b"")
    StoreWriter(store).write([detection(9, clip=clip)])
    with store.write() as session:
        mark(session, numbers(store)[-1:], is_marked=True)
    KeptSound(store, settings_of(clips)).refresh()
    assert not list(clips.parent.rglob("*.keep"))


@pytest.mark.parametrize("clip", [None, "birds-wren/deleted.flac"])
def test_of_a_detection_without_a_clip_the_recordings_are_kept(store: Store, tmp_path: Path, clip: str | None) -> None:
    """The detection lies in two files, the end of one and the beginning of the next."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    records: list[StoreRecord] = [
        detection(start=NOON - timedelta(seconds=1), end=NOON + timedelta(seconds=1), clip=clip)
    ]
    for number in range(-2, 2):
        start = NOON + timedelta(minutes=10 * number)
        path = folder / f"pond-{start:%Y-%m-%d-%H-%M-%S}.flac"
        path.write_bytes(b"fLaC")
        records.append(
            RecordingRecord(
                node="garden",
                source="pond",
                path=str(path),
                start=start,
                end=start + timedelta(minutes=10),
                channels=4,
                bytes=4,
            )
        )
    StoreWriter(store).write(records)
    with store.write() as session:
        mark(session, numbers(store), is_marked=True)
    source = SourceSettings(name="pond", url="pond.flac", record=RecordSettings(path=folder))
    settings = settings_of(tmp_path / "clips").model_copy(update={"sources": (source,)})
    KeptSound(store, settings).refresh()
    assert marks(folder) == ["pond-2026-05-01-11-50-00.flac", "pond-2026-05-01-12-00-00.flac"]


def pond_in(folder: Path, *, max_gb: float | None = None) -> Settings:
    """The settings of a node that records a pond in a folder, with a maximum size of all recordings."""
    record = RecordSettings(path=folder, keep=KeepSettings(max_gb=max_gb))
    source = SourceSettings(name="pond", url="pond.flac", record=record)
    return settings_of(folder.parent / "clips").model_copy(update={"sources": (source,)})


def recorded(folder: Path, minutes: Sequence[int]) -> list[RecordingRecord]:
    """Recordings of ten minutes each, of a pond, which begin so many minutes after noon."""
    folder.mkdir()
    records = []
    for minute in minutes:
        start = NOON + timedelta(minutes=minute)
        path = folder / f"pond-{start:%Y-%m-%d-%H-%M-%S}.flac"
        soundfile.write(path, np.zeros((600, 1), np.int16), 1)
        record = recording_record(path, node="garden")
        assert record is not None
        records.append(record)
    return records


def annotate(store: Store, settings: Settings, minute: float) -> AnnotationView:
    profile = {"sources": [one.model_dump() for one in settings.sources]}
    service = annotation_service(store, settings.sources[0].record.path, **profile)  # type: ignore[union-attr]
    at_s = (NOON - DAWN).total_seconds() + 60 * minute
    return service.add(ANNOTATOR, request(at_s, channel="pond:out_0"))


@pytest.mark.parametrize("listed", [True, False])
def test_the_recordings_of_annotations_are_kept(store: Store, tmp_path: Path, listed: bool) -> None:
    folder = tmp_path / "recordings"
    records = recorded(folder, (-20, -10, 0, 10, 20))
    StoreWriter(store).write(records if listed else [])
    settings = pond_in(folder)
    annotate(store, settings, minute=9.99)  # the last half second is in the next file
    KeptSound(store, settings).refresh()
    assert marks(folder) == ["pond-2026-05-01-12-00-00.flac", "pond-2026-05-01-12-10-00.flac"]


def test_they_are_released_when_the_annotation_is_deleted(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    StoreWriter(store).write(recorded(folder, (0, 10)))
    settings = pond_in(folder)
    kept, made = KeptSound(store, settings), annotate(store, settings, minute=1)
    kept.refresh()
    assert marks(folder)
    annotation_service(store, folder).delete(ANNOTATOR, made.id, 1)
    kept.refresh()
    assert marks(folder) == []


def test_a_recording_that_is_complete_after_its_annotation_is_kept(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    records = recorded(folder, (0,))
    settings = pond_in(folder)
    hidden = Path(records[0].path).rename(folder / ".part")
    annotate(store, settings, minute=1)
    kept = KeptSound(store, settings)
    kept.refresh()
    hidden.rename(records[0].path)
    StoreWriter(store).write(records)
    kept.refresh()
    assert marks(folder) == ["pond-2026-05-01-12-00-00.flac"]


def test_the_retention_of_recordings_spares_them(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    StoreWriter(store).write(recorded(folder, (0, 10)))
    settings = pond_in(folder, max_gb=1e-9)
    annotate(store, settings, minute=1)
    KeptSound(store, settings).refresh()
    (source,) = settings.sources
    assert source.record is not None
    Retention("pond", source.record).apply()
    assert sorted(path.name for path in folder.glob("*.flac")) == ["pond-2026-05-01-12-00-00.flac"]


def test_they_are_kept_when_the_node_has_another_name(store: Store, clips: Path) -> None:
    with store.write() as session:
        mark(session, numbers(store)[:1], is_marked=True)
    KeptSound(store, settings_of(clips)).refresh()
    KeptSound(store, settings_of(clips).model_copy(update={"node": NodeSettings(name="lake")})).refresh()
    assert marks(clips) == NAMES[:1]


def test_the_marks_of_another_store_stay(store: Store, clips: Path) -> None:
    with store.write() as session:
        mark(session, numbers(store)[:1], is_marked=True)
    KeptSound(store, settings_of(clips)).refresh()
    with store.write() as session:
        session.execute(delete(DetectionRow))
    kept = KeptSound(store, settings_of(clips))
    kept.refresh()
    kept.refresh()
    assert marks(clips) == NAMES[:1]


@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_only_the_few_that_are_marked_or_judged_are_read(store: Store) -> None:
    with store.read() as session:
        plan = session.execute(sql(f"EXPLAIN QUERY PLAN {VALUED}")).all()
    used = [row.detail for row in plan if "detections" in row.detail]
    assert [detail.split(" USING INDEX ")[-1] for detail in used] == ["ix_detections_marked", "ix_detections_judged"]


async def run_until(upkeep: StoreUpkeep, condition: Callable[[], bool]) -> None:
    async with upkeep.running():
        await eventually_async(condition)


def test_sessions_that_have_ended_are_removed_while_the_console_runs(store: Store, tmp_path: Path) -> None:
    at = dict.fromkeys(("created", "password_changed"), NOON)
    with store.write() as session:
        user = UserRow(name="ann", role="viewer", password_hash=None, **at)
        session.add(user)
        session.flush()
        begin_session(session, user, address="", agent="", now=NOON)
        live = begin_session(session, user, address="", agent="", now=NOON + timedelta(days=29.5))

    def sessions() -> list[str]:
        with store.read() as session:
            return list(session.scalars(select(LoginSessionRow.csrf_token)))

    upkeep = StoreUpkeep(store, settings_of(tmp_path), now=lambda: NOON + timedelta(days=30))
    asyncio.run(run_until(upkeep, lambda: sessions() == [live.csrf_token]))
    assert sessions() == [live.csrf_token]


def test_both_are_done_while_the_console_runs(store: Store, clips: Path) -> None:
    first, *_ = numbers(store)
    with store.write() as session:
        mark(session, [first], is_marked=True)
    upkeep = StoreUpkeep(store, settings_of(clips, days=10), now=lambda: NOON + timedelta(days=30))
    asyncio.run(run_until(upkeep, lambda: numbers(store) == [first] and marks(clips) == NAMES[:1]))
    assert numbers(store) == [first]
