"""A slow or failing sink costs its own batches, and nothing else."""

import asyncio
import logging

import pytest

from analyzer.sinks.base import NamedSink
from analyzer.sinks.queue import BoundedSink
from tests.support.batches import Batches
from tests.support.eventually import eventually_async
from tests.support.sinks import RecordingSink
from tidzam.errors import TidzamError
from tidzam.process import RestartPolicy
from tidzam.results import AnalyzedBatch

pytestmark = pytest.mark.timeout(30)

AT_ONCE = RestartPolicy(first_delay_s=0.01, max_delay_s=0.01)


async def test_a_slow_sink_drops_whole_batches_and_counts_them() -> None:
    class SlowSink(RecordingSink):
        async def deliver(self, analyzed: AnalyzedBatch) -> None:
            await go.wait()
            await super().deliver(analyzed)

    go, slow, batches = asyncio.Event(), SlowSink(), Batches()
    sink = BoundedSink(NamedSink("slow", slow), limit=3)
    running = asyncio.create_task(sink.run())
    for number in range(10):
        sink.put(batches.batch(number))
        await asyncio.sleep(0)
    go.set()
    await eventually_async(lambda: len(slow.taken) == 10 - sink.dropped)
    running.cancel()
    assert sink.dropped == 6
    assert slow.taken == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("fault", "calls", "taken"),
    [
        ({"open": 1}, ["open", "open", "deliver", "deliver", "close"], [0, 1]),
        ({"deliver": 1}, ["open", "deliver", "close", "open", "deliver", "close"], [1]),
        ({"deliver": 1, "close": 1}, ["open", "deliver", "close", "open", "deliver", "close"], [1]),
    ],
)
@pytest.mark.parametrize(
    "error", [RuntimeError("no luck"), TidzamError("No luck."), asyncio.CancelledError(), TimeoutError()]
)
async def test_a_sink_that_fails_is_closed_and_opened_again(
    fault: dict[str, int], calls: list[str], taken: list[int], error: BaseException
) -> None:
    failing, batches = RecordingSink(error, **fault), Batches()
    sink = BoundedSink(NamedSink("failing", failing), policy=AT_ONCE)
    running = asyncio.create_task(sink.run())
    for number in range(2):
        sink.put(batches.batch(number))
    await eventually_async(lambda: failing.taken == taken)
    running.cancel()
    await asyncio.wait([running])
    assert failing.calls == calls
    assert sink.errors == sum(fault.values())


async def test_a_sink_whose_close_fails_at_the_end_lets_the_program_end(caplog: pytest.LogCaptureFixture) -> None:
    failing = RecordingSink(close=1)
    sink = BoundedSink(NamedSink("failing", failing))
    running = asyncio.create_task(sink.run())
    sink.put(Batches().batch(0))
    await sink.drain(5)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert "sink failing failed" in caplog.text


async def test_a_failure_is_logged_once_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    failing, batches = RecordingSink(open=3, deliver=2), Batches()
    sink = BoundedSink(NamedSink("failing", failing), policy=AT_ONCE)
    running = asyncio.create_task(sink.run())
    for number in range(3):
        sink.put(batches.batch(number))
    await eventually_async(lambda: failing.taken == [2])
    running.cancel()
    messages = [record.getMessage() for record in caplog.records if record.name == "analyzer.sinks.queue"]
    assert messages == [
        "sink failing failed and is restarted until it works: RuntimeError: no luck",
        "sink failing works again, after 5 failures in total",
    ]


async def test_the_status_names_the_fault_while_it_lasts() -> None:
    failing = RecordingSink(TidzamError("The disk is full.", hint="Free some room."), deliver=1)
    sink, batches = BoundedSink(NamedSink("failing", failing), policy=AT_ONCE), Batches()
    running = asyncio.create_task(sink.run())
    sink.put(batches.batch(0))
    await eventually_async(lambda: sink.errors == 1)
    assert sink.status.fault == "The disk is full. Free some room."
    sink.put(batches.batch(1))
    await eventually_async(lambda: sink.status.fault is None)
    running.cancel()
    assert (sink.status.name, sink.status.errors, sink.status.dropped) == ("failing", 1, 0)


async def test_the_delay_grows_with_failures_in_a_row() -> None:
    class NotedPolicy(RestartPolicy):
        def delay_s(self, failures: int, chance: float = 0.0) -> float:
            noted.append(super().delay_s(failures))
            return 0.0

    noted: list[float] = []
    failing = RecordingSink(open=4)
    sink = BoundedSink(NamedSink("failing", failing), policy=NotedPolicy(first_delay_s=1.0, max_delay_s=5.0))
    running = asyncio.create_task(sink.run())
    await eventually_async(lambda: len(failing.calls) == 5)
    running.cancel()
    assert noted == [1.0, 2.0, 4.0, 5.0]
