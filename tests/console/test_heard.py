"""What was heard per day and why the rest is missing, by the clock of the node."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.support.console import console_with_profile
from tidzam.gaps.open_state import OpenState
from tidzam.gaps.records import GapReason
from tidzam.store.records import GapRecord, LoadedRecord, StoreRecord
from tidzam.store.writer import StoreWriter

NOW = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
"""02:30 in New York."""
LOCATION = {"latitude": 42.4, "longitude": -71.1, "time_zone": "America/New_York"}


def loaded(start: datetime, end: datetime) -> StoreRecord:
    return LoadedRecord(node="marsh", source="pond", channels=2, start=start, end=end)


def gap(channel: str, reason: str, start: datetime, *, seconds: float) -> StoreRecord:
    end = start + timedelta(seconds=seconds)
    return GapRecord(node="marsh", channel=channel, reason=reason, start=start, end=end)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A viewer of a node whose pond has been loaded for the last three hours."""
    with console_with_profile(tmp_path, {"location": LOCATION}) as console:
        hours = [NOW - timedelta(hours=ago) for ago in (3, 2, 1, 0)]
        records = [loaded(start, end) for start, end in pairwise(hours)]
        records += [
            gap("pond:out_1", "xrun", NOW - timedelta(minutes=10), seconds=60),
            gap("*", "node_down", NOW - timedelta(hours=2, minutes=50), seconds=600),
            GapRecord(node="elsewhere", channel="*", reason="xrun", start=hours[0], end=NOW),
        ]
        StoreWriter(console.store).write(records)
        yield console.logged_in("viewer")


def test_minutes_are_counted_per_channel_and_day_of_the_node(client: TestClient) -> None:
    report = client.get("/api/v1/heard?days=2").json()
    assert report["days"] == ["2026-04-30", "2026-05-01"]
    found = {
        (channel["channel"], day["day"]): (day["loaded_s"], day["heard_s"], day["missing_s"])
        for channel in report["channels"]
        for day in channel["days"]
    }
    assert found == {
        ("pond:out_0", "2026-04-30"): (1800.0, 1200.0, {"node_down": 600.0}),
        ("pond:out_0", "2026-05-01"): (9000.0, 9000.0, {}),
        ("pond:out_1", "2026-04-30"): (1800.0, 1200.0, {"node_down": 600.0}),
        ("pond:out_1", "2026-05-01"): (9000.0, 8940.0, {"xrun": 60.0}),
    }


def test_the_gaps_of_a_day_are_those_of_the_source_and_of_all_of_the_node(client: TestClient) -> None:
    day = client.get("/api/v1/gaps?day=2026-04-30&source=pond").json()
    assert [(one["channel"], one["seconds"], one["words"]) for one in day["gaps"]] == [("*", 600.0, "the node was off")]
    assert client.get("/api/v1/gaps?day=2026-05-01&source=lake").json()["gaps"] == []


def test_what_a_dead_program_has_left_open_counts_as_missing(client: TestClient, tmp_path: Path) -> None:
    state = OpenState("stream_manager", GapReason.NODE_DOWN, seen=NOW - timedelta(minutes=5))
    (tmp_path / "gaps").mkdir()
    (tmp_path / "gaps" / "stream_manager.open.json").write_text(state.encode())
    report = client.get("/api/v1/heard?days=1&source=pond").json()
    missing = [channel["days"][0]["missing_s"] for channel in report["channels"]]
    assert missing == [{"node_down": 300.0}, {"node_down": 300.0, "xrun": 60.0}]
