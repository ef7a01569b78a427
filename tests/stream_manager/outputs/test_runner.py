"""A failing output is run again, and affects nothing else."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from stream_manager.outputs.base import OutputFault
from stream_manager.outputs.registry import OUTPUTS, OutputType, load_outputs
from stream_manager.outputs.runner import OutputRunner, SourceOutputs
from stream_manager.services import Services
from tests.support.eventually import eventually_async
from tests.support.packages import install_package
from tests.support.services import services, source_settings
from tidzam.config import SourceSettings
from tidzam.errors import ConfigError
from tidzam.extensions import Registry

pytestmark = pytest.mark.timeout(20)


class WorkingOutput:
    jack_suffix = ""
    addresses: tuple[str, ...] = ("http://x/",)
    sent_bytes = 5

    def __init__(self, source: SourceSettings, channels: int, services: Services) -> None:
        self.channels = channels

    async def run(self) -> None:
        await asyncio.Event().wait()

    def faults(self) -> tuple[OutputFault, ...]:
        return ()


class RaisingOutput(WorkingOutput):
    async def run(self) -> None:
        raise ZeroDivisionError("no luck")


class RaisingConstructor(WorkingOutput):
    def __init__(self, source: SourceSettings, channels: int, services: Services) -> None:
        raise ZeroDivisionError("no luck")


class ReturningOutput(WorkingOutput):
    async def run(self) -> None:
        return


class RaisingProperties(WorkingOutput):
    @property
    def addresses(self) -> tuple[str, ...]:  # type: ignore[override]
        raise ZeroDivisionError("no luck")

    def faults(self) -> tuple[OutputFault, ...]:
        raise ZeroDivisionError("no luck")


class StubbornOutput(WorkingOutput):
    """Turns its cancellation into another exception."""

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ZeroDivisionError("no luck") from None


def runner(output: Any) -> OutputRunner:
    return OutputRunner("test", output, source_settings(), services())


@pytest.mark.parametrize("output", [RaisingOutput, RaisingConstructor, ReturningOutput])
async def test_a_failing_output_is_counted_reported_once_and_run_again(
    output: OutputType, caplog: pytest.LogCaptureFixture
) -> None:
    one = runner(output)
    await one.start(2)
    await eventually_async(lambda: one.failures >= 2)
    (fault,) = one.faults()
    await one.stop()
    assert fault.code == "output_failed"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_a_failing_output_does_not_affect_the_other_outputs_of_its_source() -> None:
    types: dict[str, Any] = {"raising": RaisingOutput, "working": WorkingOutput}
    outputs = SourceOutputs(types, source_settings(), services())
    await outputs.start(2)
    await eventually_async(lambda: outputs.failures["raising"] >= 1)
    assert outputs.addresses == ("http://x/",)
    assert outputs.sent_bytes == 5
    assert outputs.failures["working"] == 0
    await outputs.stop()


async def test_an_output_whose_properties_raise_is_reported_as_failed() -> None:
    one = runner(RaisingProperties)
    await one.start(2)
    await asyncio.sleep(0)
    assert one.addresses == ()
    assert [fault.code for fault in one.faults()] == ["output_failed"]
    assert one.addresses == ()
    assert one.failures == 1
    await one.stop()


async def test_an_output_that_raises_when_cancelled_ends() -> None:
    one = runner(StubbornOutput)
    await one.start(2)
    await asyncio.sleep(0)
    await one.stop()
    assert one.failures == 1


async def test_another_number_of_channels_makes_another_output() -> None:
    made = []

    class Recorded(WorkingOutput):
        def __init__(self, source: SourceSettings, channels: int, services: Services) -> None:
            made.append(channels)

    types: dict[str, Any] = {"test": Recorded}
    outputs = SourceOutputs(types, source_settings(), services())
    for channels in (2, 2, 3):
        await outputs.start(channels)
        await asyncio.sleep(0)
    await outputs.stop()
    assert made == [2, 3]


def test_an_unknown_output_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="icecast") as caught:
        load_outputs(["icecats"])
    assert caught.value.code == "unknown_extension"


def test_an_output_of_another_package_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "class LevelOutput:\n    jack_suffix = 'level'\n"
    install_package(tmp_path, monkeypatch, "level_output", module, "tidzam.outputs", "level = level_output:LevelOutput")
    built_in = {"icecast": "stream_manager.outputs.icecast:IcecastOutput"}
    monkeypatch.setattr("stream_manager.outputs.registry.OUTPUTS", Registry(OUTPUTS.group, OUTPUTS.kind, built_in))
    assert [output.jack_suffix for output in load_outputs(["icecast", "level"]).values()] == ["ice", "level"]


class SlowlyEndingOutput(WorkingOutput):
    """Ends once it may. `begun` and `ended` count, over all of its instances."""

    begun = ended = 0
    may_end = asyncio.Event()

    async def run(self) -> None:
        type(self).begun += 1
        try:
            await asyncio.Event().wait()
        finally:
            await self.may_end.wait()
            type(self).ended += 1


@pytest.fixture
def slow_type() -> type[SlowlyEndingOutput]:
    class Fresh(SlowlyEndingOutput):
        may_end = asyncio.Event()

    return Fresh


async def rounds(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_an_output_that_is_stopped_twice_at_the_same_time_ends_whole(slow_type: type[SlowlyEndingOutput]) -> None:
    slow = runner(slow_type)
    await slow.start(1)
    await rounds()
    stops = [asyncio.create_task(slow.stop()) for _ in range(2)]
    await rounds()
    slow_type.may_end.set()
    await asyncio.gather(*stops)
    assert slow_type.ended == 1


async def test_each_stop_waits_for_the_end_of_the_output(slow_type: type[SlowlyEndingOutput]) -> None:
    slow = runner(slow_type)
    await slow.start(1)
    await rounds()
    stops = [asyncio.create_task(slow.stop()) for _ in range(2)]
    await rounds()
    assert [stop.done() for stop in stops] == [False, False]
    slow_type.may_end.set()
    await asyncio.gather(*stops)


async def test_a_stop_waits_for_the_output_that_an_interrupted_start_was_ending(
    slow_type: type[SlowlyEndingOutput],
) -> None:
    slow = runner(slow_type)
    await slow.start(1)
    await rounds()
    restart = asyncio.create_task(slow.start(2))
    await rounds()
    restart.cancel()
    await asyncio.wait([restart])
    stop = asyncio.create_task(slow.stop())
    await rounds()
    assert not stop.done()
    slow_type.may_end.set()
    await stop
    assert (slow_type.begun, slow_type.ended) == (1, 1)


async def test_nothing_is_output_after_a_stop_that_came_during_a_start(slow_type: type[SlowlyEndingOutput]) -> None:
    slow = runner(slow_type)
    await slow.start(1)
    await rounds()
    restart = asyncio.create_task(slow.start(2))
    await rounds()
    stop = asyncio.create_task(slow.stop())
    await rounds()
    slow_type.may_end.set()
    await asyncio.gather(restart, stop)
    await rounds()
    assert slow_type.begun == slow_type.ended
