"""Segment capture: only segments that are not silent are kept, whole and without a fault at their boundaries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stream_manager.recorder.encoder import Encoder
from stream_manager.recorder.events import FileFinished, Notice
from stream_manager.recorder.folder import RecordingFolder
from stream_manager.recorder.worker import Worker
from tests.stream_manager.recorder.harness import Harness, decoded, recorder_options
from tests.support.ring_source import RingSource, ring_source
from tidzam.segments import SegmentIndex

pytestmark = pytest.mark.timeout(60)

QUIET = 0.004


@pytest.fixture
def source() -> Iterator[RingSource]:
    with ring_source() as made:
        yield made


def started(source: RingSource, folder: Path, **changes: Any) -> Harness:
    """A recording of segments of 3 s, just before one begins: 22:13:21 is a multiple of it."""
    harness = Harness(source, recorder_options(folder, length_s=3, threshold=0.01, **changes))
    source.play()
    source.set_clock(+0.01)
    harness.step()
    return harness  # at 22:13:20.28


def at(second: int) -> datetime:
    return datetime(2023, 11, 14, 22, 13, second, tzinfo=UTC)


def test_silent_segments_are_left_out_and_the_others_are_whole(tmp_path: Path, source: RingSource) -> None:
    harness = started(source, tmp_path)
    harness.play(0.72)  # until 22:13:21
    for level in (1.0, QUIET, 0.5):
        harness.play(3, level=level)
    harness.close()
    day = tmp_path / "2023-11-14"
    assert harness.files() == [day / "pond-2023-11-14-22-13-21.wav", day / "pond-2023-11-14-22-13-27.wav"]
    assert [len(decoded(path, 2)) for path in harness.files()] == [3 * source.rate_hz] * 2


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_segments_join_without_a_lost_or_repeated_sample(tmp_path: Path, source: RingSource, kind: str) -> None:
    harness = started(source, tmp_path, format=kind)
    harness.play(10)
    harness.close()
    recorded = harness.recorded()
    assert len(recorded) == 3 * 3 * source.rate_hz
    steps = np.diff(np.round(recorded * (1 << 15)).astype(int) % (1 << 15), axis=0) % (1 << 15)
    assert (steps == 1).all()


def test_the_index_holds_time_peak_and_file(tmp_path: Path, source: RingSource) -> None:
    harness = started(source, tmp_path)
    harness.play(7, level=0.5)
    harness.close()
    found = list(SegmentIndex(tmp_path).find("pond"))
    assert [segment.datetime for segment in found] == [at(21), at(24)]
    for segment in found:
        peak = np.abs(decoded(tmp_path / segment.filepath, 2)).max()
        assert segment.max_amp == pytest.approx(peak, abs=1 / (1 << 15))
    assert [event.max_amp for event in harness.of(FileFinished)] == [segment.max_amp for segment in found]


def test_a_segment_that_would_begin_late_is_left_out(tmp_path: Path, source: RingSource) -> None:
    harness = started(source, tmp_path)
    harness.play(1)
    source.skip(100 * source.rate_hz)
    harness.play(6)
    harness.close()
    assert {len(decoded(path, 2)) for path in harness.files()} == {3 * source.rate_hz}


def test_a_segment_that_cannot_be_written_is_lost_and_reported(tmp_path: Path, source: RingSource) -> None:
    harness = started(source, tmp_path)
    start = harness.start
    harness.start = lambda part: Encoder(["false"], bytes_per_s=1)
    harness.play(4)
    harness.worker.flush()
    harness.start = start
    harness.recording.fail(harness.faults[0], harness.now_s)
    assert harness.recording.beat().code == "recording_failed"
    harness.play(8)
    harness.close()
    assert any("a segment is lost" in notice.text for notice in harness.of(Notice))
    assert harness.files()


def test_segments_that_a_crash_kept_out_of_the_index_are_added(tmp_path: Path, source: RingSource) -> None:
    harness = started(source, tmp_path)
    harness.play(7)
    harness.worker.flush()
    index = SegmentIndex(tmp_path)
    before = list(index.find())
    index.remove([before[1].filepath])
    (tmp_path / before[0].filepath).unlink()
    harness.worker.complete_index()
    harness.close()
    assert list(index.find()) == before[1:]


def test_a_released_segment_that_a_crash_kept_out_of_the_index_is_added_but_no_held_one(tmp_path: Path) -> None:
    (day := tmp_path / "2026-05-01").mkdir()
    for name in ("pond-2026-05-01-06-30-00.wav", ".pond-2026-05-01-06-30-10.wav.held"):
        soundfile.write(day / name, np.full(8000, 0.5), 8000, format="WAV")
    folder, index = RecordingFolder(tmp_path, "pond", ".wav", by_day=True, is_held=True), SegmentIndex(tmp_path)
    faults: list[Any] = []
    worker = Worker(folder, faults.append, faults.append, index)
    worker.complete_index()
    worker.close(repairs_s=1)
    assert [segment.filepath for segment in index.find()] == ["2026-05-01/pond-2026-05-01-06-30-00.wav"]
    assert faults == []
