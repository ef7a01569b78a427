"""What the store holds for a model, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from console.services.builder.material import TrainingMaterial
from console.services.builder.models import DayUse
from console.services.channel_recordings import ChannelRecordings
from tests.support.annotations import ANNOTATOR, DAWN, annotation_service
from tests.support.annotations import request as annotation_request
from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tidzam.errors import RequestError
from tidzam.recorded_sound.plan import TimedRecording
from tidzam.store.database import Store
from tidzam.store.tables.places import SourceRow
from tidzam.store.tables.recordings import RecordingRow

PARIS = ZoneInfo("Europe/Paris")


def material(store: Store, home: Path) -> TrainingMaterial:
    service = annotation_service(store, home)
    for at_s in (0.0, 10.0, 86_400.0):
        service.add(ANNOTATOR, annotation_request(at_s))
    return TrainingMaterial(store, service.settings, PARIS)


def test_annotations_are_counted_per_day_and_tag(store: Store, tmp_path: Path) -> None:
    found = material(store, tmp_path).per_day()
    assert found == {date(2026, 5, 1): {"wren": 2}, date(2026, 5, 2): {"wren": 1}}


def test_recorded_days_are_those_of_the_clock(store: Store, tmp_path: Path) -> None:
    """23:30 in UTC is 01:30 of the next day in Paris."""
    made = material(store, tmp_path)
    start = datetime(2026, 5, 3, 23, 30, tzinfo=UTC)
    with store.write() as session:
        source = session.query(SourceRow).first()
        assert source is not None
        session.add(
            RecordingRow(
                source_id=source.id,
                path="/rec/a.flac",
                start=start,
                end=start + timedelta(minutes=1),
                channels=1,
                bytes=1000,
                max_amp=None,
                is_segment=False,
            )
        )
    assert made.recorded_days(DAWN) == {date(2026, 5, 4)}


def test_annotations_without_a_recording_are_counted(store: Store, tmp_path: Path) -> None:
    uses = {date(2026, 5, 1): DayUse.TRAIN, date(2026, 5, 2): DayUse.TEST_BACKGROUND}
    found = material(store, tmp_path).gather(uses, window_s=1.0, between=True, background_windows=10)
    assert (found.sections, found.unrecorded) == ((), 2)


def test_background_leaves_out_what_was_annotated_from_the_day_before_on(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recording from 23:59 to 00:01 in Paris, and a wren from one second before midnight to one after it."""
    midnight = datetime(2026, 5, 1, 22, tzinfo=UTC)
    made = material(store, tmp_path)
    service = annotation_service(store, tmp_path)
    service.add(ANNOTATOR, annotation_request((midnight - DAWN).total_seconds() - 1))
    file = TimedRecording(tmp_path / "a.flac", midnight - timedelta(minutes=1), 120_000, 1000, 1)
    monkeypatch.setattr(ChannelRecordings, "files", lambda *_: [file])
    uses = {date(2026, 5, 2): DayUse.TEST_BACKGROUND}
    found = made.gather(uses, window_s=1.0, between=False, background_windows=100)
    assert [(one.start_s, one.end_s) for one in found.sections] == [(61.0, 91.0), (91.0, 120.0)]


@pytest.mark.parametrize(
    ("use", "tags"), [(DayUse.TRAIN, {"background", ""}), (DayUse.TRAIN_BACKGROUND, {"background"})]
)
def test_background_is_stated_by_annotations_and_by_days(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: DayUse, tags: set[str]
) -> None:
    annotation_service(store, tmp_path).add(ANNOTATOR, annotation_request(tag="background"))
    file = TimedRecording(tmp_path / "a.flac", DAWN, 60_000, 1000, 1)
    monkeypatch.setattr(ChannelRecordings, "files", lambda *_: [file])
    service = annotation_service(store, tmp_path)
    found = TrainingMaterial(store, service.settings, PARIS).gather(
        {DAWN.date(): use}, window_s=1.0, between=True, background_windows=100
    )
    assert {one.tag for one in found.sections} == tags
    assert sum(one.duration_s for one in found.sections) == 60.0


def test_more_annotations_than_are_used_are_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.services.builder.material.MOST_ANNOTATIONS", 1)
    with pytest.raises(RequestError, match="more than 1 annotations"):
        material(store, tmp_path).gather(
            {date(2026, 5, 1): DayUse.TRAIN}, window_s=1.0, between=False, background_windows=0
        )
