"""A folder of clips that is full, read-only or cannot be made: clips stop, and resume when there is room."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
import soundfile

from analyzer.sinks.base import NamedSink, SinkContext, marked
from analyzer.sinks.clips import ClipSink
from analyzer.sinks.queue import BoundedSink
from tests.support.batches import LABELS, Batches
from tests.support.eventually import eventually_async
from tidzam.config.clips import ClipRule
from tidzam.config.sinks import ClipSinkSettings
from tidzam.process import RestartPolicy
from tidzam.results import AnalyzedBatch

pytestmark = pytest.mark.timeout(30)

AT_ONCE = RestartPolicy(first_delay_s=0.01, max_delay_s=0.01)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")


class Clips:
    """A sink of clips as live analysis runs it, and the detections that it has marked."""

    def __init__(self, folder: Path) -> None:
        settings = ClipSinkSettings(folder=folder, rules=(ClipRule(rate=1.0),))
        self.named = NamedSink("clips", ClipSink(settings, SinkContext(node="garden", labels=LABELS)))
        self.bounded, self._batches, self._number = BoundedSink(self.named, policy=AT_ONCE), Batches(), 0

    async def hear(self, label: str) -> AnalyzedBatch:
        """A window of `label`, and the next, in which it is over; wait until both are delivered."""
        for found in (label, "unknown", "unknown"):
            analyzed = marked([self.named], self._batches.batch(self._number, pond_0=found))
            self._number += 1
            before = self.bounded.status.delivered
            self.bounded.put(analyzed)
            await eventually_async(lambda before=before: self.bounded.status.delivered > before)  # type: ignore[misc]
            if found == label:
                heard = analyzed
        return heard


@asynccontextmanager
async def clips_in(folder: Path) -> AsyncIterator[Clips]:
    clips = Clips(folder)
    running = asyncio.create_task(clips.bounded.run())
    try:
        yield clips
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@contextmanager
def blocked(folder: Path) -> Iterator[Callable[[], None]]:
    """A file in place of the folder."""
    folder.touch()
    yield folder.unlink


@contextmanager
def disk(folder: Path, options: str) -> Iterator[None]:
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if subprocess.run(argv, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[Callable[[], None]]:
    with disk(folder, "size=128k"):
        ballast = folder / "ballast"
        with suppress(OSError):
            ballast.write_bytes(bytes(128 << 10))
        yield ballast.unlink


@contextmanager
def read_only(folder: Path) -> Iterator[Callable[[], None]]:
    with disk(folder, "size=128k,ro"):

        def make_room() -> None:
            subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)

        yield make_room


Case = Callable[[Path], AbstractContextManager[Callable[[], None]]]
"""A folder in which no clip can be written; the function that it yields changes that."""
CASES = [
    pytest.param(blocked, id="blocked"),
    pytest.param(full, id="full", marks=[pytest.mark.root, needs_root]),
    pytest.param(read_only, id="read-only", marks=[pytest.mark.root, needs_root]),
]


@pytest.mark.parametrize("case", CASES)
async def test_clips_stop_with_a_fault_and_resume_when_there_is_room(case: Case, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with case(folder) as make_room:
        async with clips_in(folder) as clips:
            await clips.hear("birds")
            assert "cannot be written to" in str(clips.bounded.status.fault)
            lost = await clips.hear("frogs")
            assert [change.detection.clip for change in lost.detections if change.detection.label == "frogs"] == [None]
            status = clips.bounded.status
            assert (status.errors >= 2, status.dropped, status.delivered) == (True, 0, 6)
            make_room()
            await clips.hear("birds")
            assert clips.bounded.status.fault is None
            kept = await clips.hear("frogs")
            (name,) = [change.detection.clip for change in kept.detections if change.detection.label == "frogs"]
            assert name is not None
            assert soundfile.info(folder / name).frames == 8000
        left = files_in(folder)
    assert all(path.suffix == ".flac" for path in left)
    assert {path.parent.name for path in left} >= {"birds", "frogs"}


def files_in(folder: Path) -> list[Path]:
    """All files below a folder, also hidden ones; the ballast is gone."""
    return [path for path in folder.rglob("*") if path.is_file()]
