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


def recording(node: str, source: str, channels: int) -> RecordingRecord:
    end = START + timedelta(seconds=15)
    return RecordingRecord(
        node=node, source=source, path=f"/{source}.flac", start=START, end=end, channels=channels, bytes=9
    )


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
    assert found == ("lake:out_3", *(f"pond:out_{number}" for number in range(11)), "reeds:out_0", "reeds:out_1")


def test_a_node_without_recordings_has_none(console: ConsoleUnderTest) -> None:
    assert channels(console) == ()
