"""The worker processes of an archive: each job has one outcome, however the jobs fall."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from analyzer.archive.job import FileJob
from analyzer.archive.workers import WorkerProcesses
from tests.support.bundles import write_tone_bundle
from tidzam.config.settings import AnalyzerSettings

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_tone_bundle(folder / "nn", "selector", {"owl": (2000.0,)})
    soundfile.write(folder / "a.wav", np.zeros(441, np.float32), 44100)
    return folder


def job(folder: Path, number: int, name: str = "a.wav") -> FileJob:
    settings = AnalyzerSettings(nn=folder / "nn")
    return FileJob(number=number, path=folder / name, source="a", settings=settings, node="node")


def test_each_of_many_short_jobs_has_one_outcome(folder: Path) -> None:
    workers = WorkerProcesses(processes=2, files=300)
    with closing(workers.outcomes(job(folder, number) for number in range(300))) as outcomes:
        found = [finished for finished in outcomes if finished is not None]
    assert Counter(done.number for done, _ in found) == Counter(range(300))
    assert all(outcome.is_complete for _, outcome in found)


def test_a_file_that_cannot_be_read_is_an_outcome(folder: Path) -> None:
    workers = WorkerProcesses(processes=1, files=1)
    with closing(workers.outcomes([job(folder, 0, "missing.wav")])) as outcomes:
        ((_, outcome),) = [finished for finished in outcomes if finished is not None]
    assert outcome.failure is not None
    assert outcome.failure.code == "audio_missing"


def test_jobs_are_taken_as_they_are_needed(folder: Path) -> None:
    taken = list[int]()

    def jobs() -> Iterator[FileJob]:
        for number in range(1000):
            taken.append(number)
            yield job(folder, number)

    with closing(WorkerProcesses(processes=1, files=1000).outcomes(jobs())) as outcomes:
        next(finished for finished in outcomes if finished is not None)
    assert len(taken) < 100
