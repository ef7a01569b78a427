"""The sinks of the inference: each receives the detections of every file, in their order, whatever fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from analyzer.inbox.entries import InboxCounts, InboxEntry
from analyzer.inbox.journal import InboxJournal
from analyzer.inbox.outbox import Outbox, OutboxSink, sinks_of_files
from analyzer.sinks.base import NamedSink
from tests.support.batches import START
from tests.support.eventually import eventually_async
from tidzam.aio import in_background
from tidzam.config.chain_sink import ChainSinkSettings
from tidzam.config.sinks import ClipSinkSettings, CsvSinkSettings, JsonLinesSinkSettings
from tidzam.config.store import StoreSinkSettings
from tidzam.results import AnalyzedBatch, Detection


class Taker:
    """A sink that keeps the ids that it takes; the first `faults` deliveries fail."""

    def __init__(self, faults: int = 0) -> None:
        self.taken: list[str] = []
        self.faults = faults

    async def open(self) -> None: ...
    async def close(self) -> None: ...

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        if self.faults:
            self.faults -= 1
            raise OSError("the server is away")
        self.taken += (change.detection.id for change in analyzed.detections)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[InboxJournal]:
    with InboxJournal(tmp_path / "inference.journal") as made:
        yield made


def analyzed(journal: InboxJournal, number: int, *sinks: str) -> None:
    """A file with a detection, for sinks."""
    found = Detection(str(number), "pond:out_0", "owl", ("owl",), START, START + timedelta(seconds=1), 0.9, 0.9, 1)
    journal.commit(InboxEntry(f"{number}.wav", (1, 2), "", b"", ""), InboxCounts(), [found], sinks)


@asynccontextmanager
async def running(journal: InboxJournal, **takers: Taker) -> AsyncIterator[Outbox]:
    outbox = Outbox([NamedSink(name, taker) for name, taker in takers.items()], journal)
    async with in_background(outbox.run(), name="sinks"):
        yield outbox


async def test_every_sink_receives_every_file_in_order(journal: InboxJournal) -> None:
    one, other = Taker(), Taker()
    analyzed(journal, 0, "one", "other")
    async with running(journal, one=one, other=other) as outbox:
        for number in range(1, 4):
            analyzed(journal, number, "one", "other")
            await outbox.more()
        await outbox.drain()
    assert one.taken == other.taken == ["0", "1", "2", "3"]
    assert journal.waiting_for() == {}


async def test_a_sink_that_fails_is_tried_again_and_delays_no_other(journal: InboxJournal) -> None:
    failing, other = Taker(faults=2), Taker()
    for number in range(3):
        analyzed(journal, number, "failing", "other")
    async with running(journal, failing=failing, other=other) as outbox:
        await eventually_async(lambda: other.taken == ["0", "1", "2"])
        await eventually_async(lambda: failing.taken == ["0", "1", "2"])
        await eventually_async(lambda: outbox.status()["failing"].waiting == 0)
        assert outbox.status()["failing"].errors == 2


async def test_the_status_says_what_waits_and_why(journal: InboxJournal) -> None:
    analyzed(journal, 0, "failing")
    async with running(journal, failing=Taker(faults=1000)) as outbox:
        await eventually_async(lambda: outbox.status()["failing"].fault)
        assert (outbox.status()["failing"].waiting, outbox.status()["failing"].fault) == (
            1,
            "OSError: the server is away",
        )
        await outbox.drain()  # returns although the sink has not taken everything


async def test_what_was_delivered_but_not_noted_is_delivered_again(journal: InboxJournal) -> None:
    analyzed(journal, 0, "one")
    sink = OutboxSink(NamedSink("one", Taker()), journal)
    with pytest.raises(asyncio.CancelledError):
        async with sink._next_batch():
            raise asyncio.CancelledError
    async with sink._next_batch() as batch:
        assert [change.detection.id for change in batch.detections] == ["0"]
    assert journal.next_for("one") is None


async def test_the_journal_does_not_grow_without_end(journal: InboxJournal, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(5):
        analyzed(journal, number, "one", "other")
    sink = OutboxSink(NamedSink("one", Taker()), journal, most_waiting=2)
    with caplog.at_level(logging.ERROR):
        await sink.limit()
    assert journal.waiting_for() == {"one": 2, "other": 5}
    assert sink.dropped == 3
    wanted = journal.next_for("one")
    assert wanted is not None
    assert [found.id for found in wanted.found] == ["3"]
    assert "the detections of 3 files are dropped" in caplog.text


def test_sinks_that_need_live_sound_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    chain = ChainSinkSettings(url="http://chain.example", site="pond", user="u", password="p")
    sinks = (CsvSinkSettings(path=Path("a.csv")), ClipSinkSettings(folder=Path("clips")), StoreSinkSettings())
    assert list(sinks_of_files((*sinks, JsonLinesSinkSettings(path=Path("a.jsonl")), chain))) == [
        "csv",
        "store",
        "jsonl",
    ]
    assert "the sink chain needs live sound" in caplog.text
