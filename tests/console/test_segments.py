"""The segments of recordings over the REST API: those whose peaks the store knows, and those that are read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stream_manager.recordings.reports import recording_record
from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.recordings import RATE_HZ, START, write_recording
from tidzam.recorded_sound.sections import encode_peaks
from tidzam.store.writer import StoreWriter

API = "/api/v1/segments"
POND = {"channel": "pond:out_1"}


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """A console whose source `pond` has a recording of 20 s with two channels at 06:30."""
    samples = np.zeros((20 * RATE_HZ, 2), np.float32)
    samples[5 * RATE_HZ, 1], samples[16 * RATE_HZ, 1] = -0.5, 0.125
    write_recording(tmp_path / "recordings", samples, suffix="flac")
    profile = {"sources": [{"name": "pond", "url": "pond.wav", "record": {"path": tmp_path / "recordings"}}]}
    with console_with_profile(tmp_path, profile) as console:
        yield console


def report(console: ConsoleUnderTest, tmp_path: Path, **changes: Any) -> None:
    (path,) = (tmp_path / "recordings").iterdir()
    record = recording_record(path, node="marsh")
    assert record is not None
    StoreWriter(console.store).write([record.model_copy(update=changes)])


def segments(console: ConsoleUnderTest, **query: Any) -> Any:
    return console.logged_in("viewer").get(API, params={**POND, "day": "2026-05-01", **query}).json()


def test_the_peaks_of_a_recording_that_the_store_does_not_know_are_read(console: ConsoleUnderTest) -> None:
    assert segments(console) == {
        "segment_s": 15,
        "items": [
            {"start": "2026-05-01T06:30:00Z", "max_amp": 0.5},
            {"start": "2026-05-01T06:30:15Z", "max_amp": 0.125},
        ],
        "is_complete": True,
    }


def test_peaks_in_the_store_are_not_read_from_the_file(console: ConsoleUnderTest, tmp_path: Path) -> None:
    report(console, tmp_path, section_peaks=encode_peaks(np.array([[0, 1.0], [1.0, 0]], np.float32)))
    (path,) = (tmp_path / "recordings").iterdir()
    path.write_bytes(b"")
    assert [one["max_amp"] for one in segments(console)["items"]] == [1.0, 0.0]


def test_what_is_reported_again_without_peaks_keeps_them(console: ConsoleUnderTest, tmp_path: Path) -> None:
    report(console, tmp_path, section_peaks=encode_peaks(np.array([[0, 1.0], [1.0, 0]], np.float32)))
    report(console, tmp_path)
    assert [one["max_amp"] for one in segments(console)["items"]] == [1.0, 0.0]


def test_a_recorded_segment_is_one(console: ConsoleUnderTest, tmp_path: Path) -> None:
    report(console, tmp_path, is_segment=True, max_amp=0.75, end=START + timedelta(seconds=3))
    assert segments(console)["items"] == [{"start": "2026-05-01T06:30:00Z", "max_amp": 0.75}]


def test_another_day_has_none(console: ConsoleUnderTest) -> None:
    assert segments(console, day="2026-05-02")["items"] == []


def test_days_are_counted_from_what_the_store_lists(console: ConsoleUnderTest, tmp_path: Path) -> None:
    report(console, tmp_path)
    days = console.logged_in("viewer").get(f"{API}/days", params=POND).json()
    assert days == [{"day": "2026-05-01", "segments": 2, "recorded_s": 20.0}]


def test_a_source_that_was_never_recorded_is_named(console: ConsoleUnderTest) -> None:
    refused = console.logged_in("viewer").get(f"{API}/days", params={"channel": "moor:out_0"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "no_recording")
