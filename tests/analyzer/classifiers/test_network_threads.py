"""The priority of the threads that networks have of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from analyzer.classifiers.loading import CascadeLoader
from analyzer.live.thread_priority import ANALYSIS_NICE, BACKGROUND_NICE
from analyzer.pipeline import Pipeline
from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually_async
from tidzam.bundle.choice import CascadeChoice
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import NodeError

THREADS = 3


@pytest.fixture
def nn(tmp_path: Path) -> Path:
    folder = tmp_path / "nn"
    write_tone_bundle(folder, "selector", {"low": (440.0,)})
    Pipeline.load(folder)  # libraries start threads of their own when they are first used
    return folder


def loader(nn: Path, tmp_path: Path) -> CascadeLoader:
    return CascadeLoader(AnalyzerSettings(nn=nn, threads=THREADS), None, tmp_path)


def thread_numbers() -> list[int]:
    return [int(folder.name) for folder in Path("/proc/self/task").iterdir()]


def threads() -> dict[int, int]:
    """The nice value of each thread of this process, by its number."""
    return {number: os.getpriority(os.PRIO_PROCESS, number) for number in thread_numbers()}


def own_threads(before: dict[int, int]) -> list[int]:
    """The nice values of the threads that exist since `before`; that which made them ends soon."""
    return [nice for number, nice in threads().items() if number not in before]


def at_least(nice: int) -> int:
    return max(nice, os.getpriority(os.PRIO_PROCESS, 0))


@pytest.mark.parametrize("nice", [ANALYSIS_NICE, BACKGROUND_NICE])
async def test_the_threads_of_networks_have_the_priority_that_is_wanted(nice: int, nn: Path, tmp_path: Path) -> None:
    before = threads()
    pipeline = await loader(nn, tmp_path).load(CascadeChoice(nn), nice=nice)
    await eventually_async(lambda: own_threads(before) == [at_least(nice)] * (THREADS - 1))
    del pipeline


async def test_the_networks_of_a_shadow_that_takes_over_get_threads_of_the_priority_of_live_ones(
    nn: Path, tmp_path: Path
) -> None:
    choice, loads = CascadeChoice(nn), loader(nn, tmp_path)
    shadow = await loads.load(choice, nice=BACKGROUND_NICE)
    assert shadow is not None
    before = threads()
    live = await loads.reopened(shadow, choice)
    await eventually_async(lambda: own_threads(before) == [at_least(ANALYSIS_NICE)] * (THREADS - 1))
    del live


async def test_bundles_that_were_not_compared_do_not_take_over(nn: Path, tmp_path: Path) -> None:
    choice, loads = CascadeChoice(nn), loader(nn, tmp_path)
    shadow = await loads.load(choice)
    assert shadow is not None
    write_tone_bundle(nn, "selector", {"high": (3000.0,)})
    with pytest.raises(NodeError, match="have changed") as caught:
        await loads.reopened(shadow, choice)
    assert caught.value.code == "shadow_changed"


async def test_networks_without_threads_of_their_own_are_not_opened_again(nn: Path, tmp_path: Path) -> None:
    loads = CascadeLoader(AnalyzerSettings(nn=nn, threads=1), None, tmp_path)
    pipeline = Pipeline.load(nn)
    assert await loads.reopened(pipeline, CascadeChoice(nn)) is pipeline
