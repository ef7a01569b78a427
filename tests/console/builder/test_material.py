"""What the store holds for a model, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from console.services.builder.material import TrainingMaterial
from console.services.builder.models import DayUse
from tests.support.annotations import ANNOTATOR, DAWN, annotation_service
from tests.support.annotations import request as annotation_request
from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
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
