"""The number of log lines of a source that keeps failing."""

from __future__ import annotations

from datetime import UTC, datetime

from stream_manager.faults import SourceFailure, SourceFault
from stream_manager.source_history import Transition
from stream_manager.source_log import LogLine, started_lines, transition_line
from stream_manager.source_state import HealingPolicy, PlaybackState, SourceEvent, transition
from tests.support.services import source_status
from tidzam.config.healing import HealingSettings

POLICY = HealingPolicy.of(HealingSettings())
NOW = datetime(2026, 5, 1, tzinfo=UTC)


class LoggedSource:
    """A source on a simulated clock, and the lines that its transitions write."""

    def __init__(self) -> None:
        self.playback, self.now_s = PlaybackState(permanent=True), 0.0
        self.lines: list[LogLine] = []

    def happens(self, event: SourceEvent, failure: SourceFailure | None = None) -> None:
        before = self.playback
        self.playback = transition(before, event, self.now_s, failure, policy=POLICY)
        delay_s = None if self.playback.retry_at_s is None else self.playback.retry_at_s - self.now_s
        taken = Transition("pond", NOW, before.state, event, self.playback.state, failure, delay_s)
        line = transition_line(taken, before, self.playback)
        if event is SourceEvent.STARTED:
            self.lines += started_lines(source_status("pond"), before)
        elif line:
            self.lines.append(line)

    def fails(self, fault: SourceFault, detail: str = "") -> None:
        self.happens(SourceEvent.FAILED, SourceFailure(fault, detail))
        assert self.playback.retry_at_s is not None
        self.now_s = self.playback.retry_at_s
        self.happens(SourceEvent.RETRY_DUE)


def test_1000_failures_with_the_same_reason_write_10_lines() -> None:
    source = LoggedSource()
    for attempt in range(1000):
        source.fails(SourceFault.UNREACHABLE, f"attempt {attempt}")
    assert len(source.lines) == 10


def test_1000_short_runs_write_few_lines() -> None:
    source = LoggedSource()
    for _ in range(1000):
        source.happens(SourceEvent.STARTED)
        source.now_s += 5
        source.fails(SourceFault.DIED)
    assert len(source.lines) <= 25


def test_a_file_that_is_played_1000_times_writes_few_lines() -> None:
    source = LoggedSource()
    for _ in range(1000):
        source.happens(SourceEvent.STARTED)
        source.now_s += 5
        source.happens(SourceEvent.ENDED)
        source.happens(SourceEvent.RETRY_DUE)
    assert len(source.lines) <= 25


def test_a_new_reason_is_logged() -> None:
    source = LoggedSource()
    for fault in (SourceFault.UNREACHABLE, SourceFault.UNREACHABLE, SourceFault.UNREACHABLE, SourceFault.DIED):
        source.fails(fault)
    assert [line.partition("[")[2].partition("]")[0] for _, line in source.lines] == [
        "source_unreachable",
        "source_unreachable",
        "source_player_died",
    ]


def test_a_failure_after_a_long_run_is_logged() -> None:
    source = LoggedSource()
    for _ in range(5):
        source.happens(SourceEvent.STARTED)
        source.now_s += 3600
        source.fails(SourceFault.DIED)
    assert sum("source_player_died" in line for _, line in source.lines) == 5
