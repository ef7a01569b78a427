"""The status of a node as tables."""

from __future__ import annotations

import os
import shlex
from datetime import timedelta
from itertools import zip_longest
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tidzam.cli.edge_tables import print_edge
from tidzam.cli.shadow_tables import summary
from tidzam.cli.tables import duration, plain_table, state_markup
from tidzam.node.check import NodeFault, remarks
from tidzam.node.home import find_home
from tidzam.node.status import NodeStatus, SupervisorState
from tidzam.paths import checkout
from tidzam.protocol.analyzer import AnalyzerHealth
from tidzam.protocol.shadow import ShadowStatus
from tidzam.protocol.source_status import SourceRemark, SourceStatus

NOT_RESTARTED = "Programs that end are not restarted."


def command(word: str, home: Path) -> str:
    """A command line for the node of `home`: with bin/ in a checkout, and with --home if it is not the default."""
    option = "" if find_home(None).root == home else f" --home {_shell_word(home)}"
    return escape(f"{'bin/' if checkout() else ''}tidzam {word}{option}")


def _shell_word(path: Path) -> str:
    """`path` as a word of bash. What cannot be printed, such as escape sequences or a lone surrogate, is written as
    `\\xHH`."""
    if str(path).isprintable():
        return shlex.quote(str(path))
    quoted = (
        chr(byte) if 32 <= byte < 127 and chr(byte) not in "'\\" else f"\\x{byte:02x}" for byte in os.fsencode(path)
    )
    return f"$'{''.join(quoted)}'"


def milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"


def print_started(console: Console, status: NodeStatus, found: tuple[NodeFault, ...], *, seconds: float) -> None:
    """The report of `tidzam start`."""
    _print_tables(console, status)
    print_findings(console, found, remarks(status))
    started = "[yellow]Started with faults[/]" if found else "Started"
    word = "watch" if status.edge is None else "status"
    _print_line(console, f"{started} in {seconds:.1f} s. Watch it: [bold]{command(word, status.home)}[/]")
    addresses = [
        f"{program.address_title}: {status.urls[program.name]}" for program in status.programs if program.address_title
    ]
    stop = f"Stop it: [bold]{command('stop', status.home)}[/]"
    _print_line(console, "    ".join([*addresses, stop]))


def print_status(console: Console, status: NodeStatus, found: tuple[NodeFault, ...]) -> None:
    """The report of `tidzam status`."""
    if not status.running:
        _print_not_running(console, status)
        return
    _print_tables(console, status)
    print_findings(console, found, remarks(status))
    console.print("[red]not healthy[/]" if found else "[green]healthy[/]")


def _print_not_running(console: Console, status: NodeStatus) -> None:
    """A node that was stopped, that ended without being stopped, or that has lost its supervisord."""
    home, start, stop = escape(str(status.home)), command("start", status.home), command("stop", status.home)
    check = command("check", status.home)
    if status.supervisor is SupervisorState.SILENT:
        _print_line(
            console, f"[red]supervisord of the node of {home} does not answer.[/] Programs that end are not restarted."
        )
    elif status.strays:
        _print_line(console, f"[red]supervisord of the node of {home} is gone.[/] {NOT_RESTARTED}")
    elif status.is_wanted:
        _print_line(console, f"[red]The node of {home} is not running[/], although it was not stopped.")
    else:
        _print_line(console, f"The node of {home} is stopped. Start it: [bold]{start}[/]")
        return
    if status.strays:
        console.print(_strays(status))
        _print_line(console, "If the watchdog is still running, it restarts supervisord within seconds.")
    _print_line(console, f"Repair the node: [bold]{check}[/]    Stop it: [bold]{stop}[/]")


def print_findings(console: Console, found: tuple[NodeFault, ...], worth_knowing: tuple[str, ...]) -> None:
    """Faults, and remarks that are not faults."""
    for fault in found:
        console.print(f"[red]✗[/] {escape(fault.reason)}", highlight=False)
    for remark in worth_knowing:
        console.print(f"[yellow]![/] {escape(remark)}", highlight=False)


def _print_line(console: Console, markup: str) -> None:
    """A line that is not wrapped, so that a command in it can be copied."""
    console.print(markup, highlight=False, soft_wrap=True)


def _print_tables(console: Console, status: NodeStatus) -> None:
    console.print(_processes(status))
    if status.edge is not None:
        print_edge(console, status.edge)
        return
    console.print(_sources(status))
    console.print(_analyzer(status))
    if status.analyzer is not None and status.analyzer.shadow is not None:
        _print_line(console, f"[bold]Shadow[/]: {escape(_shadow(status.analyzer.shadow))}")


def _processes(status: NodeStatus) -> Table:
    table = plain_table("Processes", "process", "state", "pid", "up", "memory")
    for process in status.processes:
        indented = f"  {process.name.partition('/')[2]}" if "/" in process.name else process.name
        uptime = str(timedelta(seconds=round(process.uptime_s)))
        table.add_row(
            indented, state_markup(process.state), str(process.pid or ""), uptime, f"{process.share_mb:.0f} MB"
        )
    table.add_row("[dim]total[/]", "", "", "", f"[dim]{status.memory_mb:.0f} MB[/]")
    return table


def _strays(status: NodeStatus) -> Table:
    table = plain_table("Processes that are still running", "process", "state", "pid", "up")
    for process in status.strays:
        uptime = str(timedelta(seconds=round(process.uptime_s)))
        table.add_row(escape(process.name), process.state, str(process.pid), uptime)
    return table


def _sources(status: NodeStatus) -> Table:
    table = plain_table("Sources", "source", "state", "kHz", "missing", "channel", "listen at", gap=1)
    for source in status.sources:
        missing = duration(source.gap_s) if source.gap_s else ""
        head = escape(source.name), state_markup(source.state), _rate(source), missing
        if source.state != "playing":
            table.add_row(*head, "", f"[red]{escape(source.last_error or 'no audio yet')}[/]")
            continue
        # A copied source has a mount and no ports, one without outputs has ports and no mounts.
        rows = list(zip_longest(source.ports, source.mounts, fillvalue="")) or [("", "")]
        for index, (port, mount) in enumerate(rows):
            table.add_row(*(head if index == 0 else ("", "", "", "")), port, mount)
    return table


def _rate(source: SourceStatus) -> str:
    """The sample rate of the source in kHz; yellow if it is below the rate of JACK, which a remark explains."""
    if source.rate_hz is None:
        return ""
    rate_khz = f"{source.rate_hz / 1000:g}"
    return f"[yellow]{rate_khz}[/]" if SourceRemark.LOW_SAMPLE_RATE in source.remarks else rate_khz


def _analyzer(status: NodeStatus) -> Table:
    table = plain_table("Analyzer", "classifiers", "engine", "channels", "lag", "windows/s", "lost frames")
    analyzer = status.analyzer
    if analyzer is None:
        table.add_row("[red]not available[/]", "", "", "", "", "")
        return table
    table.add_row(
        ", ".join((*analyzer.classifiers, *_beside(analyzer))),
        analyzer.engine,
        str(len(analyzer.channels)),
        milliseconds(analyzer.lag_s),
        f"{analyzer.windows_per_s:.1f}",
        str(analyzer.lost_frames),
    )
    return table


def _beside(analyzer: AnalyzerHealth) -> list[str]:
    """The novelty bundles, which run beside the classifiers."""
    return [f"{name} (novelty)" for name in analyzer.bundles if name not in analyzer.classifiers]


def _shadow(shadow: ShadowStatus) -> str:
    """The shadow cascade in a line."""
    names = ", ".join(shadow.classifiers)
    return f"{names}, {summary(shadow)}" if shadow.compared else f"{names or 'not loaded'}, {shadow.state}"
