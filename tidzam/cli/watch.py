"""watch: the live view. Events change a `WatchState`, from which `screen` is drawn."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tidzam.cli.options import HomeOption, console, running_node, say
from tidzam.cli.show import milliseconds
from tidzam.errors import NodeError
from tidzam.labels import UNKNOWN
from tidzam.node.status import node_urls
from tidzam.protocol.analyzer import AnalysisEvent, AnalyzerHealth, DetectionEvent
from tidzam.results import ChannelState
from tidzam.tokens import find_token

FRAMES_PER_S = 4
METER_FLOOR_DBFS = -72.0
METER_WIDTH = 24
TOP_CLASSES = 3
ROLL_LENGTH = 200
PICTURE_SIZE = 120, 30


@dataclass
class WatchState:
    """The content of the screen: the last window of each channel, detections (newest first), health of the analyzer."""

    channels: dict[str, AnalysisEvent] = field(default_factory=dict)
    detections: deque[DetectionEvent] = field(default_factory=lambda: deque(maxlen=ROLL_LENGTH))
    health: AnalyzerHealth | None = None
    connected: bool = False
    refused: bool = False

    def add_detection(self, event: DetectionEvent) -> None:
        """Add a detection; an update or the end of a known one replaces it."""
        for index, known in enumerate(self.detections):
            if known.id == event.id:
                self.detections[index] = event
                return
        self.detections.appendleft(event)


def screen(view: WatchState, *, height: int) -> RenderableType:
    """The whole screen, `height` lines high."""
    rows = max(3, height - len(view.channels) - 9)
    return Group(
        Panel(_channels(view), title="Channels", title_align="left", border_style="blue"),
        Panel(_detections(view, rows), title="Detections", title_align="left", border_style="blue", height=rows + 3),
        _footer(view),
    )


def meter(level_dbfs: float) -> Text:
    """A level as a bar: green, yellow from -12 dBFS, red from -3."""
    filled = round((1 - max(METER_FLOOR_DBFS, min(0.0, level_dbfs)) / METER_FLOOR_DBFS) * METER_WIDTH)
    color = "red" if level_dbfs > -3 else "yellow" if level_dbfs > -12 else "green"
    return Text.assemble(("█" * filled, color), ("·" * (METER_WIDTH - filled), "dim"))


def _channels(view: WatchState) -> Table:
    table = Table(box=None, header_style="dim", expand=True)
    table.add_column("channel", no_wrap=True, min_width=max(map(len, view.channels), default=0))
    table.add_column("level", no_wrap=True, min_width=METER_WIDTH)
    table.add_column("dBFS", no_wrap=True, min_width=4, justify="right")
    table.add_column("hears", no_wrap=True)
    table.add_column("likeliest", no_wrap=True)
    for port, event in sorted(view.channels.items()):
        table.add_row(port, meter(event.level_dbfs), f"{event.level_dbfs:.0f}", _decided(event), _likeliest(event))
    if not view.channels:
        table.add_row("[dim]waiting for audio…[/]", "", "", "", "")
    return table


def _decided(event: AnalysisEvent) -> Text:
    """The decided classes, or the reason why no classifier ran."""
    if event.state is not ChannelState.LISTENING and event.result == (UNKNOWN,):
        return Text(event.state.replace("_", " "), "bold yellow")
    return Text(", ".join(event.result), "dim" if event.result == (UNKNOWN,) else "bold cyan")


def _likeliest(event: AnalysisEvent) -> Text:
    if event.left_out and not event.predictions:
        why = "its source lacks the band for" if event.state is ChannelState.BAND_LIMITED else "no result from"
        return Text(f"{why} {', '.join(event.left_out)}", "yellow")
    top = sorted(event.predictions.items(), key=lambda item: -item[1])[:TOP_CLASSES]
    return Text("  ").join(
        Text(f"{label} {probability:.2f}", "default" if probability >= 0.5 else "dim") for label, probability in top
    )


def _detections(view: WatchState, rows: int) -> Table:
    table = Table(box=None, header_style="dim", expand=True)
    for name in ("since (UTC)", "channel", "class", "length", "peak", "mean"):
        table.add_column(name, no_wrap=True)
    for event in list(view.detections)[:rows]:
        length_s = (event.end - event.start).total_seconds()
        table.add_row(
            event.start.strftime("%H:%M:%S.%f")[:-4],
            _heard_on(event),
            " > ".join(event.path),
            f"{length_s:.1f} s",
            f"{event.peak_probability:.2f}",
            f"{event.mean_probability:.2f}",
            style="bold" if event.state != "end" else "",
        )
    return table


def _heard_on(event: DetectionEvent) -> str:
    """The channel of a detection, and how many more there are."""
    more = len(event.channels) - 1
    return f"{event.channel} +{more}" if more > 0 else event.channel


def _footer(view: WatchState) -> RenderableType:
    if view.refused:
        return Text("this analyzer requires its token, and the home of this node does not contain it", "red")
    if not view.connected:
        return Text("the analyzer does not answer; retrying…", "red")
    if view.health is None:
        return Text("connected", "dim")
    health = view.health
    facts = (
        f"engine {health.engine}",
        f"{health.windows_per_s:.1f} windows/s",
        f"lag {milliseconds(health.lag_s)}",
        f"lost frames {health.lost_frames}",
        *(f"errors of {name}: {count}" for name, count in health.classifier_errors.items()),
        "Ctrl-C closes the view",
    )
    return Columns([Text(fact, "dim") for fact in facts], padding=(0, 3))


Seconds = Annotated[float, typer.Option(min=0, help="Close the view after this time; 0: never.")]
Save = Annotated[Path | None, typer.Option(help="Write the last screen to this SVG file.")]


def _found_in(csv: Path | None) -> str:
    """Where the detections of an edge node are: the CSV file of the day, or only its sinks."""
    return "its sinks" if csv is None else str(csv.with_stem(f"{csv.stem}-{datetime.now(UTC):%Y-%m-%d}"))


def watch(home: HomeOption = None, seconds: Seconds = 0.0, save: Save = None) -> None:
    """Show live the level and the likeliest classes of each channel, and the detections."""
    place, settings = running_node(home)
    if settings.edge.enabled:
        raise NodeError(
            "An edge node analyzes files, and has no live results to watch.",
            hint=f"Show its state with `tidzam status`; its detections are in {_found_in(settings.edge.csv)}.",
            code="edge_node",
        )
    view = WatchState()
    try:
        asyncio.run(_watch(view, node_urls(settings)["analyzer"], find_token(place.root), seconds))
    except KeyboardInterrupt:
        say("the node keeps running")
    if save is not None:
        _save(view, save)


def _save(view: WatchState, path: Path) -> None:
    picture = Console(record=True, width=PICTURE_SIZE[0], height=PICTURE_SIZE[1], file=StringIO())
    picture.print(screen(view, height=PICTURE_SIZE[1]))
    picture.save_svg(str(path), title="tidzam watch")


async def _watch(view: WatchState, url: str, token: str | None, seconds: float) -> None:
    import socketio  # slow to import

    client = socketio.AsyncClient(reconnection_delay_max=2, handle_sigint=False)
    _listen(client, view)
    connecting = asyncio.create_task(client.connect(url, auth={"token": token} if token else None, retry=True))
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds if seconds else float("inf")
    try:
        with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
            while loop.time() < deadline:
                if console.is_terminal:
                    live.update(screen(view, height=console.height), refresh=True)
                await asyncio.sleep(1 / FRAMES_PER_S)
        console.print(screen(view, height=console.height))
    finally:
        connecting.cancel()
        await client.disconnect()


def _listen(client: Any, view: WatchState) -> None:
    """Handle the events of the analyzer. Subscribe again after each reconnection."""

    async def connect() -> None:
        view.connected, view.refused = True, False
        await client.emit("subscribe", {"events": ["analysis", "detection", "health"], "mute_sys": True})

    async def connect_error(reason: Any) -> None:
        view.refused = isinstance(reason, dict) and reason.get("code") == "unauthorized"

    async def disconnect(reason: str) -> None:
        view.connected = reason == client.reason.CLIENT_DISCONNECT  # the last screen stays as it was

    async def analysis(data: Any) -> None:
        event = AnalysisEvent.model_validate(data)
        view.channels[event.channel] = event

    async def detection(data: Any) -> None:
        view.add_detection(DetectionEvent.model_validate(data))

    async def health(data: Any) -> None:
        view.health = AnalyzerHealth.model_validate(data)
        view.channels = {port: event for port, event in view.channels.items() if port in view.health.channels}

    for handler in (connect, connect_error, disconnect, analysis, detection, health):
        client.on(handler.__name__, handler)
