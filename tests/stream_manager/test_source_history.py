"""The last transitions of a source, kept and reported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stream_manager.faults import SourceFailure, SourceFault
from stream_manager.source_history import KEPT, Transition, TransitionHistory
from stream_manager.source_state import SourceEvent
from tidzam.protocol.source_status import SourceState

BEGIN = datetime(2026, 5, 1, tzinfo=UTC)


def failed(number: int) -> Transition:
    reason = SourceFailure(SourceFault.UNREACHABLE, "Connection refused")
    time = BEGIN + timedelta(seconds=number)
    return Transition("pond", time, SourceState.LOADING, SourceEvent.FAILED, SourceState.WAITING, reason, 1.5)


def test_the_last_100_are_kept_and_all_are_counted() -> None:
    history = TransitionHistory()
    for number in range(250):
        history.add(failed(number))
    assert (len(history), history.count) == (KEPT, 250)
    assert [one.time for one in history] == [BEGIN + timedelta(seconds=number) for number in range(150, 250)]


def test_a_record_names_the_reason_and_the_delay() -> None:
    record = failed(0).record()
    assert (record.event, record.code, record.retry_in_s) == ("failed", "source_unreachable", 1.5)
    assert record.reason is not None
    assert "Connection refused" in record.reason
