"""The analysis of windows in other processes."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest

from analyzer import batching
from analyzer.analysis_processes import AnalysisProcesses
from analyzer.batching import analyze_batches
from analyzer.pipeline import Pipeline
from tests.support import hostile
from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually
from tidzam.results import WindowBatch

RATE_HZ = 44100
TONES = {"owl": (440.0,), "wren": (5000.0,)}


def batches(count: int, *, frames: int = RATE_HZ) -> list[WindowBatch]:
    """Windows of three channels: a tone that rises from window to window and from channel to channel."""
    times = np.arange(frames) / RATE_HZ
    made = []
    for number in range(count):
        pitches = 220.0 * (1 + number + 2 * np.arange(3))[:, None]
        made.append(
            WindowBatch(
                channels=("pond:out_0", "pond:out_1", "pond:out_2"),
                samples=(0.2 * np.sin(2 * np.pi * pitches * times)).astype(np.float32),
                rate_hz=RATE_HZ,
                start_frame=number * frames,
                starts=(datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=number * frames / RATE_HZ),) * 3,
                gap_frames=(0, number, 0),
            )
        )
    return made


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = tmp_path_factory.mktemp("tones")
    write_tone_bundle(folder, "selector", TONES)
    return Pipeline.load(folder)


def processes_of(pipeline: Pipeline) -> AnalysisProcesses:
    assert pipeline.recipe is not None
    return AnalysisProcesses(pipeline, pipeline.recipe, processes=1)


@pytest.fixture(scope="module")
def processes(pipeline: Pipeline) -> Iterator[AnalysisProcesses]:
    with processes_of(pipeline) as made:
        eventually(lambda: made.are_ready, what="processes that have loaded the networks")
        yield made


def test_another_process_makes_the_same_analyses(pipeline: Pipeline, processes: AnalysisProcesses) -> None:
    wanted = batches(4)
    assert processes.submit(wanted).result() == pipeline.analyze_all(wanted)


def test_steps_of_different_sizes_share_memory_one_after_the_other(
    pipeline: Pipeline, processes: AnalysisProcesses
) -> None:
    steps = [batches(count) for count in (3, 1, 5, 2)]
    pending = [processes.submit(step) for step in steps]
    assert [one.result() for one in pending] == [pipeline.analyze_all(step) for step in steps]


def test_all_steps_of_a_file_are_analyzed_in_order_while_processes_begin(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "least_windows", 1)
    wanted = batches(60)
    found, alone = (
        [analyses for _, analyses in analyze_batches(pipeline, iter(wanted), cores=cores, expected=180)]
        for cores in (2, 1)
    )
    assert found == alone


def test_windows_of_a_killed_process_are_analyzed_here(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    wanted = batches(4)
    before = set(psutil.Process().children())
    with processes_of(pipeline) as made, caplog.at_level(logging.WARNING):
        eventually(lambda: made.are_ready, what="processes that have loaded the networks")
        for child in set(psutil.Process().children()) - before:
            if "resource_tracker" not in " ".join(child.cmdline()):
                child.send_signal(signal.SIGSTOP)
        pending = made.submit(wanted)
        for child in set(psutil.Process().children()) - before:
            os.kill(child.pid, signal.SIGKILL)
        assert pending.result() == pipeline.analyze_all(wanted)
        assert not made.are_ready
    assert caplog.text.count("analysis continues in one process") == 1


def test_windows_given_to_processes_that_have_died_are_analyzed_here(pipeline: Pipeline) -> None:
    wanted = batches(4)
    before = set(psutil.Process().children())
    with processes_of(pipeline) as made:
        eventually(lambda: made.are_ready, what="processes that have loaded the networks")
        children = set(psutil.Process().children()) - before
        for child in children:
            child.kill()
        psutil.wait_procs(children, timeout=20)
        results = [made.submit(wanted).result() for _ in range(2)]
    assert results == [pipeline.analyze_all(wanted)] * 2


def test_memory_of_results_that_nobody_takes_is_released(pipeline: Pipeline) -> None:
    def shared() -> list[Path]:
        links = (path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
        return [link for link in links if "tidzam-windows" in link.name]

    before = len(shared())
    with processes_of(pipeline) as made:
        eventually(lambda: made.are_ready, what="processes that have loaded the networks")
        made.submit(batches(2))
        assert len(shared()) > before
    assert len(shared()) == before


def test_processes_that_cannot_load_the_networks_are_not_used(
    pipeline: Pipeline, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert pipeline.recipe is not None
    recipe = replace(pipeline.recipe, settings=pipeline.recipe.settings.model_copy(update={"nn": tmp_path / "gone"}))
    with AnalysisProcesses(pipeline, recipe, processes=1) as made, caplog.at_level(logging.WARNING):
        eventually(lambda: made.are_ready or "gone" in caplog.text, what="the reason")
        assert not made.are_ready


def test_errors_of_a_network_in_another_process_are_counted_here(tmp_path: Path) -> None:
    hostile.write_network(tmp_path / "nn", hostile.wrong_when_loud(float("nan")))
    pipeline, alone = Pipeline.load(tmp_path / "nn"), Pipeline.load(tmp_path / "nn")
    wanted = batches(4, frames=RATE_HZ // 20)
    with processes_of(pipeline) as made:
        eventually(lambda: made.are_ready, what="processes that have loaded the networks")
        made.submit(wanted).result()
    alone.analyze_all(wanted)
    assert pipeline.classifier_errors == alone.classifier_errors != {}
