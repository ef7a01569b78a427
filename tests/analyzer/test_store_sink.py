"""The sink of the store: what it records of a detection, which ones, and when a node has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from analyzer.__main__ import _keeping
from analyzer.archive.sinks import chosen_sinks
from analyzer.files.recording import EPOCH, AnalyzedFile
from analyzer.sinks.base import SinkContext
from analyzer.sinks.detection_records import record_of
from analyzer.sinks.store import StoreSink
from tests.support.batches import LABELS, START, Batches
from tidzam.config.location import LocationSettings
from tidzam.config.settings import AnalyzerSettings, Settings
from tidzam.config.sinks import CsvSinkSettings
from tidzam.config.store import LOCAL_STORE, StoreSettings, StoreSinkSettings
from tidzam.daytime import DayPart
from tidzam.results import CascadeIdentity, DetectedChannel, DetectionChange
from tidzam.store.database import open_store
from tidzam.store.tables.detections import DetectionRow

CASCADE = CascadeIdentity(
    ("selector", "birds"), LABELS, {"selector": "1a", "birds": "2b"}, classifier_of={"birds-wren": "birds"}
)
CONTEXT = SinkContext(node="garden", labels=LABELS)


def change(**values: object) -> DetectionChange:
    """The end of a wren's detection."""
    source = Batches()
    source.batch(0, pond_0="birds-wren")
    (ended,) = source.last().detections
    return replace(ended, detection=replace(ended.detection, **values))  # type: ignore[arg-type]


def test_a_record_names_the_classifier_of_its_class_and_its_version() -> None:
    record = record_of(change(), CONTEXT, CASCADE)
    assert (record.model, record.version) == ("birds", "2b")


def test_without_a_cascade_the_classifier_is_unknown() -> None:
    record = record_of(change(), CONTEXT, None)
    assert (record.model, record.version) == ("", "")


def test_a_record_has_the_time_of_day_at_the_node() -> None:
    place = LocationSettings(latitude=52.5, longitude=13.4, time_zone="Europe/Berlin")
    record = record_of(change(start=datetime(2026, 5, 1, 10, tzinfo=UTC)), replace(CONTEXT, location=place), None)
    assert (record.time_zone, record.day_part) == ("Europe/Berlin", DayPart.DAY)


def test_the_channels_of_a_call_are_recorded_if_there_are_several() -> None:
    channels = (DetectedChannel("pond:out_1", -20.04, 0.0), DetectedChannel("pond:out_0", -31.0, 0.00123))
    assert record_of(change(channels=channels), CONTEXT, None).channels == (
        {"channel": "pond:out_1", "level_dbfs": -20.0, "arrival_ms": 0.0},
        {"channel": "pond:out_0", "level_dbfs": -31.0, "arrival_ms": 1.23},
    )


async def stored(folder: Path, settings: StoreSinkSettings, recording: AnalyzedFile | None = None) -> set[bytes]:
    """The keys of the detections that are in the store after a wren and frogs were heard."""
    sink, source = StoreSink(settings, replace(CONTEXT, home=folder, recording=recording)), Batches()
    await sink.open()
    for analyzed in (source.batch(0, pond_0="birds-wren"), source.batch(1, pond_0="frogs"), source.last()):
        await sink.deliver(analyzed)
    await sink.close()
    with open_store(LOCAL_STORE, folder) as store, store.read() as session:
        assert not any(session.scalars(select(DetectionRow.is_open)))
        return {*session.scalars(select(DetectionRow.event_key))}


async def test_all_detections_are_kept_by_default(tmp_path: Path) -> None:
    assert len(await stored(tmp_path, StoreSinkSettings())) == 2


async def test_only_the_wanted_detections_are_kept(tmp_path: Path) -> None:
    assert len(await stored(tmp_path, StoreSinkSettings(classes=("birds",)))) == 1


@pytest.mark.parametrize(("dated", "count"), [(True, 2), (False, 0)])
async def test_detections_of_a_file_are_kept_if_its_date_is_known(tmp_path: Path, dated: bool, count: int) -> None:
    recording = AnalyzedFile(8000, START if dated else EPOCH, dated, {"pond:out_0": 0})
    assert len(await stored(tmp_path, StoreSinkSettings(), recording)) == count


def test_a_node_that_runs_keeps_what_it_hears(tmp_path: Path) -> None:
    csv = CsvSinkSettings(path=tmp_path / "found.csv")
    kept = _keeping(Settings(home=tmp_path, analyzer=AnalyzerSettings(sinks=(csv,))))
    assert kept.analyzer.sinks == (csv, StoreSinkSettings())


def test_the_sink_of_the_profile_comes_first(tmp_path: Path) -> None:
    own = StoreSinkSettings(min_probability=0.9)
    kept = _keeping(Settings(home=tmp_path, analyzer=AnalyzerSettings(sinks=(own,))))
    assert kept.analyzer.sinks == (own,)


@pytest.mark.parametrize("settings", [Settings(home=Path("/x"), store=StoreSettings(enabled=False)), Settings()])
def test_nothing_is_kept_if_that_is_switched_off_or_no_node_runs(settings: Settings) -> None:
    assert _keeping(settings).analyzer.sinks == ()


def test_the_store_may_be_chosen_for_archives() -> None:
    assert chosen_sinks((), ("store",)) == {"store": StoreSinkSettings()}


def test_archives_do_not_use_the_store_by_default() -> None:
    assert chosen_sinks((StoreSinkSettings(),), None) == {}
