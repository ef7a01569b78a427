"""Which channels can be annotated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.services.annotator_channels import annotator_channels
from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.store_records import detection
from tidzam.store.records import RecordingRecord
from tidzam.store.writer import StoreWriter

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


def channels(console: ConsoleUnderTest) -> tuple[str, ...]:
    return annotator_channels(console.store, console.runtime.settings, console.runtime.monitor.view)


def recording(node: str, source: str, channels: int, *, start: datetime = START) -> RecordingRecord:
    end = start + timedelta(seconds=15)
    return RecordingRecord(
        node=node, source=source, path=f"/{source}.flac", start=start, end=end, channels=channels, bytes=9
    )


def test_those_that_were_recorded_last_come_first_and_those_without_recordings_last(tmp_path: Path) -> None:
    earlier = START - timedelta(days=1)
    with console_with_profile(tmp_path, {}) as console:
        StoreWriter(console.store).write(
            [
                detection(node="marsh", source="attic", channel="attic:out_0"),
                recording("marsh", "barn", 1, start=earlier),
                recording("marsh", "pond", 1),
                recording("marsh", "reeds", 1, start=START + timedelta(seconds=15)),
            ]
        )
        assert channels(console) == ("pond:out_0", "reeds:out_0", "barn:out_0", "attic:out_0")


def test_those_of_recordings_detections_and_the_profile_are_there_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    sources = [
        {"name": "reeds", "url": "a.wav", "record": {"path": tmp_path / "r"}, "nb_channels": 2},
        {"name": "unheard", "url": "b.wav"},
    ]
    with console_with_profile(tmp_path, {"sources": sources}) as console:
        StoreWriter(console.store).write(
            [
                recording("marsh", "pond", 11),
                detection(node="marsh", source="lake", channel="lake:out_3"),
                recording("elsewhere", "bay", 1),
            ]
        )
        found = channels(console)
    assert found == (*(f"pond:out_{number}" for number in range(11)), "lake:out_3", "reeds:out_0", "reeds:out_1")


def test_a_node_without_recordings_has_none(console: ConsoleUnderTest) -> None:
    assert channels(console) == ()
