"""sinks: the sinks of the running analyzer with their states, and an example sent through one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from tidzam.cli.options import HomeOption, JsonOption, console, running_node
from tidzam.config import Settings
from tidzam.errors import NodeError
from tidzam.node.home import Home
from tidzam.protocol.analyzer import SinkStatus
from tidzam.terminal import command_line, print_json

app = command_line(help="Show where results go, and test it.")


@app.callback(invoke_without_command=True)
def sinks(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the sinks of the running analyzer: batches delivered and dropped, failures, and why one fails at present.

    On an edge node, those of the inference: the files whose detections they have not accepted yet, failures, and why.
    """
    context.obj = home
    if context.invoked_subcommand is not None:
        return
    place, settings = running_node(home)
    if settings.edge.enabled:
        _show_edge_sinks(place, as_json=as_json)
        return
    found = _running_sinks(place, settings)
    if as_json:
        print_json({"sinks": [sink.model_dump(mode="json") for sink in found]})
    else:
        console.print(sinks_table(found))


def _show_edge_sinks(place: Home, *, as_json: bool) -> None:
    """Raises NodeError if the inference has not written its state yet."""
    from tidzam.cli.edge_tables import edge_sinks_table
    from tidzam.inbox_status import InboxStatus

    status = InboxStatus.read(place.root)
    if status is None:
        raise NodeError(f"The inference of the node of {place.root} has not begun.", hint="See `tidzam status`.")
    if as_json:
        print_json({"sinks": [{"name": name, **asdict(sink)} for name, sink in status.sinks.items()]})
    else:
        console.print(edge_sinks_table(status.sinks))


def _running_sinks(place: Home, settings: Settings) -> tuple[SinkStatus, ...]:
    """Raises NodeError if the analyzer does not answer."""
    from tidzam.node.status import node_status

    status = node_status(place, settings, thorough=False)
    if status.analyzer is None:
        raise NodeError(f"The analyzer of the node of {place.root} does not answer.", hint="See `tidzam status`.")
    return status.analyzer.sinks


def sinks_table(found: Sequence[SinkStatus]) -> Table:
    """The table of `tidzam sinks`."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("sink")
    for title in ("delivered", "dropped", "failures"):
        table.add_column(title, justify="right")
    table.add_column("state")
    for sink in found:
        state = f"[red]{escape(sink.fault)}[/]" if sink.fault else "[green]ok[/]"
        table.add_row(escape(sink.name), str(sink.delivered), str(sink.dropped), str(sink.errors), state)
    return table


@app.command()
def test(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the sink: its type, with -2 for the second of a type.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send an example detection, of the class `example`, through a sink of the node's profile, and print what was sent.

    The sink is run beside the analyzer, with the environment of this command. Files and databases keep the example.
    """
    place, _ = running_node(home or context.obj)
    options = ["--profile", str(place.profile), *(["--json"] if as_json else [])]
    argv = [sys.executable, "-P", "-m", "analyzer.sinks.example", name, *options]
    raise typer.Exit(subprocess.run(argv, env=dict(os.environ), check=False).returncode)
