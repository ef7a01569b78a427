import asyncio
from datetime import UTC, datetime

import numpy as np

from analyzer.sinks.queue import BoundedSink
from tidzam.results import AnalyzedBatch, WindowBatch


def hop(number: int) -> AnalyzedBatch:
    return AnalyzedBatch(WindowBatch((), np.zeros((0, 10), np.float32), 10, number, datetime.now(UTC), ()), ())


async def test_a_slow_sink_drops_whole_hops_and_counts_them() -> None:
    taken: list[int] = []
    go = asyncio.Event()

    async def deliver(item: AnalyzedBatch) -> None:
        await go.wait()
        taken.append(item.batch.start_frame)

    sink = BoundedSink("slow", deliver, limit=3)
    running = asyncio.create_task(sink.run())
    for number in range(10):
        sink.put(hop(number))
        await asyncio.sleep(0)
    go.set()
    while len(taken) < 10 - sink.dropped:  # noqa: ASYNC110  two lines, not an event
        await asyncio.sleep(0.01)
    running.cancel()
    assert sink.dropped == 6
    assert taken == [0, 1, 2, 3]
