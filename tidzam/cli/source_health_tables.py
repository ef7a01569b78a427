"""The tables of `tidzam sources history` and `tidzam sources signals`. Pure: from messages to tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from tidzam.cli.tables import plain_table, state_markup
from tidzam.protocol.signals import SignalState
from tidzam.protocol.source_status import SourceStatus, TransitionList

_SIGNAL_COLORS = {SignalState.WELL: "green", SignalState.UNKNOWN: "dim"}


def history_table(history: TransitionList) -> Table:
    """The transitions of a source, the oldest first. Times are in UTC."""
    shown = len(history.transitions)
    title = f"Transitions of {history.name} (UTC)" + (
        f", the last {shown} of {history.count}" if shown < history.count else ""
    )
    table = plain_table(title, "time", "event", "state", "retry in", "reason")
    for one in history.transitions:
        table.add_row(
            f"{one.time:%Y-%m-%d %H:%M:%S}",
            one.event.replace("_", " "),
            state_markup(one.after),
            "" if one.retry_in_s is None else f"{one.retry_in_s:.1f} s",
            escape(one.reason or ""),
        )
    return table


def signals_table(sources: Sequence[SourceStatus]) -> Table:
    """The health of the signal of each channel of `sources`."""
    table = plain_table("Signals", "channel", "signal", "level", "content up to")
    for signal in (signal for source in sources for signal in source.signals):
        color = _SIGNAL_COLORS.get(signal.state, "red")
        table.add_row(
            escape(signal.port),
            f"[{color}]{signal.state.value.replace('_', ' ')}[/]",
            "" if signal.level_dbfs is None else f"{signal.level_dbfs:.1f} dBFS",
            "" if signal.bandwidth_hz is None else f"{signal.bandwidth_hz / 1000:.1f} kHz",
        )
    return table
