"""The tables of `tidzam sources history` and `tidzam sources signals`."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from tests.support.services import source_status
from tidzam.cli.source_health_tables import history_table, signals_table
from tidzam.protocol.signals import ChannelSignal, SignalState
from tidzam.protocol.source_status import SourceState, TransitionList, TransitionRecord


def printed(table: Table) -> list[list[str]]:
    """The words of each line."""
    console = Console(width=160, no_color=True)
    with console.capture() as capture:
        console.print(table)
    return [line.split() for line in capture.get().splitlines()]


def test_a_transition_is_shown_with_its_reason_and_the_delay() -> None:
    failed = TransitionRecord(
        time=datetime(2026, 5, 1, 6, 30, tzinfo=UTC),
        before=SourceState.LOADING,
        event="failed",
        after=SourceState.WAITING,
        code="source_unreachable",
        reason="the address cannot be reached [x]",
        retry_in_s=1.5,
    )
    title, _, row = printed(history_table(TransitionList(name="pond", count=250, transitions=(failed,))))
    assert " ".join(title) == "Transitions of pond (UTC), the last 1 of 250"
    assert " ".join(row) == "2026-05-01 06:30:00 failed waiting 1.5 s the address cannot be reached [x]"


def test_each_channel_has_a_row_with_the_state_of_its_signal() -> None:
    signals = (
        ChannelSignal(port="pond:out_0", state=SignalState.WELL, level_dbfs=-31.5, bandwidth_hz=18000),
        ChannelSignal(port="pond:out_1", state=SignalState.DIGITAL_SILENCE, level_dbfs=-200),
        ChannelSignal(port="pond:out_2", state=SignalState.UNKNOWN),
    )
    rows = [" ".join(row) for row in printed(signals_table([source_status(signals=signals)]))[2:]]
    assert rows == [
        "pond:out_0 well -31.5 dBFS 18.0 kHz",
        "pond:out_1 digital silence -200.0 dBFS",
        "pond:out_2 unknown",
    ]
