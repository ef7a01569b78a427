"""`tidzam sinks`: what it prints."""

from pathlib import Path

from rich.console import Console
from typer.testing import CliRunner

from tidzam.cli.sinks import app, sinks_table
from tidzam.errors import NodeError
from tidzam.inbox_status import InboxSinkStatus, InboxStatus
from tidzam.protocol.analyzer import SinkStatus


def test_each_sink_has_its_counts_and_its_state() -> None:
    console = Console(width=100, no_color=True)
    found = (
        SinkStatus(name="csv", delivered=12, errors=0, dropped=0),
        SinkStatus(name="mqtt", delivered=3, errors=2, dropped=1, fault="The MQTT broker [x] is away."),
    )
    with console.capture() as capture:
        console.print(sinks_table(found))
    _, first, second = (line.strip() for line in capture.get().splitlines())
    assert first.split() == ["csv", "12", "0", "0", "ok"]
    assert second.split(maxsplit=4) == ["mqtt", "3", "1", "2", "The MQTT broker [x] is away."]


def test_the_sinks_of_an_edge_node_are_those_of_its_inference(tmp_path: Path) -> None:
    sinks = {"mqtt": InboxSinkStatus(waiting=3, errors=2, fault="The broker is away."), "csv": InboxSinkStatus()}
    InboxStatus(updated="", pid=1, state="waiting", sinks=sinks).write(tmp_path)
    (tmp_path / "profile.yaml").write_text("edge: {enabled: true}\n")
    done = CliRunner().invoke(app, ["--home", str(tmp_path)])
    _, _, first, second = (line.split() for line in done.output.splitlines())
    assert first == ["mqtt", "3", "2", *["The", "broker", "is", "away."]]
    assert second == ["csv", "0", "0", "ok"]


def test_without_a_node_there_are_no_sinks(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["--home", str(tmp_path)])
    assert isinstance(done.exception, NodeError)
