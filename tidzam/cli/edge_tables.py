"""The state of an edge node as tables."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tidzam.cli.tables import duration, plain_table, state_markup
from tidzam.inbox_status import InboxSinkStatus
from tidzam.node.edge_status import EdgeStatus


def print_edge(console: Console, status: EdgeStatus) -> None:
    """What is recorded, and what became of the files."""
    console.print(_sources(status))
    console.print(_inference(status))
    if status.inference is not None and status.inference.sinks:
        console.print(edge_sinks_table(status.inference.sinks))


def _sources(status: EdgeStatus) -> Table:
    table = plain_table("Sources", "source", "state", "recorded", "missing", "outages", "")
    for source in status.sources:
        missing_s = source.lost_s + source.outage_s
        table.add_row(
            escape(source.name),
            state_markup(source.state),
            f"{duration(source.seconds)}, {source.bytes / 1e6:.1f} MB",
            duration(missing_s) if missing_s else "",
            str(source.outages or ""),
            f"[red]{escape(source.problem)}[/]" if source.problem else "",
        )
    return table


def _inference(status: EdgeStatus) -> Table:
    columns = ("state", "waiting", "oldest", "analyzed", "with detections", "detections", "rejected", "kept", "speed")
    table = plain_table("Inference", *columns)
    inference = status.inference
    if inference is None:
        table.add_row("[yellow]loading[/]", *("" for _ in columns[1:]))
        return table
    table.add_row(
        _state(inference.state),
        str(inference.waiting),
        escape(inference.oldest or ""),
        str(inference.analyzed),
        str(inference.with_detections),
        str(inference.detections),
        str(inference.rejected),
        str(status.files.get("audio-parsed", 0)),
        f"{inference.last_audio_s / inference.last_s:.0f}x" if inference.last_s else "",
    )
    return table


def _state(state: str) -> str:
    return f"[{'green' if state in ('waiting', 'analyzing') else 'yellow'}]{state}[/]"


def edge_sinks_table(sinks: Mapping[str, InboxSinkStatus]) -> Table:
    """The sinks of the inference: the analyzed files whose detections they have not accepted, and why one fails.

    What a sink has accepted may wait in its spool on disk until it is sent: its fault then says how much.
    """
    table = plain_table("Sinks", "sink", "files not accepted", "failures", "state")
    for name, sink in sinks.items():
        state = f"[red]{escape(sink.fault)}[/]" if sink.fault else "[green]ok[/]"
        table.add_row(escape(name), str(sink.waiting), str(sink.errors), state)
    return table
