"""demo: the synthesized wetland, its truth labels and its classifiers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tidzam.cli.options import HomeOption, JsonOption, console, running_node, say
from tidzam.errors import NodeError
from tidzam.paths import DEMO_BUNDLES
from tidzam.protocol.source_status import SourceStatus
from tidzam.terminal import command_line, print_json

app = command_line(no_args_is_help=True, help="The synthesized wetland: render it, list its truth, train on it.")
Seed = Annotated[int, typer.Option(min=0, help="Random seed; the same seed gives the same scene.")]


@app.command()
def scene(
    out: Annotated[Path, typer.Argument(help="Folder for SCENE.flac and its truth labels SCENE.json.")],
    seed: Seed = 7,
    duration_s: Annotated[float, typer.Option(min=5, max=3600, help="Length in seconds.")] = 120.0,
    channels: Annotated[int, typer.Option(min=1, max=64, help="Number of microphones, each at another place.")] = 4,
    rate_hz: Annotated[int, typer.Option(min=22050, max=192000, help="Sample rate in Hz.")] = 44100,
) -> None:
    """Render a scene to a FLAC file and its truth labels to a JSON file."""
    from tidzam.demo.render import write_scene
    from tidzam.demo.wetland import wetland

    made = wetland(seed, duration_s=duration_s, channels=channels, rate_hz=rate_hz)
    for path in write_scene(out, f"wetland-{seed}", made):
        say(f"wrote {path}")


@app.command()
def truth(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the classes that are audible now on each channel of the running demo."""
    from tidzam.node.status import node_status

    status = node_status(*running_node(home))
    now = datetime.now(UTC)
    sounding = {port: labels for source in status.sources for port, labels in _sounding(source, now).items()}
    if not sounding:
        raise NodeError("No demo is playing.", hint="Start one with `tidzam start`.", code="no_demo")
    if as_json:
        print_json({"time": now.isoformat(), "channels": sounding})
        return
    table = Table(box=None, header_style="dim")
    table.add_column("channel")
    table.add_column("audible classes")
    for port, labels in sounding.items():
        table.add_row(port, ", ".join(labels))
    console.print(table)


def _sounding(source: SourceStatus, now: datetime) -> dict[str, list[str]]:
    """The labels on each port of a demo source; empty for other sources and while it does not play."""
    from tidzam.demo.scene import read_truth, truth_at

    path = Path(source.url).with_suffix(".json")
    if source.started is None or not path.is_file():
        return {}
    elapsed_s = (now - source.started).total_seconds()
    by_channel = truth_at(read_truth(path), elapsed_s)
    return {source.ports[channel]: sorted(labels) for channel, labels in by_channel.items()}


@app.command()
def train(
    out: Annotated[
        Path, typer.Option(help="Folder for the bundles selector, birds and frogs.", show_default="tidzam/demo/bundles")
    ] = DEMO_BUNDLES,
    seed: Seed = 1,
    as_json: JsonOption = False,
) -> None:
    """Train the classifiers of the demo on synthesized audio and evaluate them on scenes of other seeds."""
    from tidzam.demo.training import train_bundles

    scores = train_bundles(out, seed=seed, say=say)
    if as_json:
        print_json(scores)
        return
    names = ("macro_f1", "exact_match", "event_recall")
    table = Table(box=None, header_style="dim")
    for title in ("bundle", *(name.replace("_", " ") for name in names)):
        table.add_column(title)
    for bundle, one in scores.items():
        table.add_row(bundle, *(f"{one[name]:.4f}" for name in names))
    console.print(table)
