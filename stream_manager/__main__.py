"""`python -m stream_manager`: sources into JACK and on to Icecast."""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from stream_manager.app import StreamManagerOptions, run
from tidzam.config import Settings, load_settings, load_sources
from tidzam.hangup import on_hangup
from tidzam.log import set_up_logging
from tidzam.terminal import command_line, exit_on_error

log = logging.getLogger(__name__)

DEFAULT_ANALYZER = "localhost:8001"
"""The default of Tidzam 2019."""

cli = command_line()


@cli.command()
def main(
    buffer_size: Annotated[
        float | None,
        typer.Option(min=0.1, help="Seconds of a network stream that a player reads ahead.", show_default="100"),
    ] = None,
    samplerate: Annotated[
        int | None,
        typer.Option(
            min=8000,
            max=192000,
            help="Sample rate in Hz that JACK should have; another one is reported.",
            show_default="44100",
        ),
    ] = None,
    port_available: Annotated[
        int | None,
        typer.Option(min=0, max=256, help="Number of available ports for live streams.", show_default="10"),
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Socket.IO port.", show_default="8080")] = None,
    tidzam_socketio: Annotated[
        str | None,
        typer.Option(help="Socket.IO address of the analyzer.", show_default="the profile's, or localhost:8001"),
    ] = None,
    sources: Annotated[
        Path | None, typer.Option(help="JSON or YAML file with the sources to load.", show_default="none")
    ] = None,
    debug: Annotated[int, typer.Option(min=0, help="Debug level; above 0, everything is logged.")] = 0,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    profile: Annotated[
        Path | None, typer.Option(help="The profile (YAML) of the node; the other options override it.")
    ] = None,
) -> None:
    """Load sources into JACK, and push each of their channels to Icecast."""
    with exit_on_error("stream_manager"):
        settings = load_settings(profile) if profile else Settings()
        settings = _override(settings, "stream_manager", buffer_s=buffer_size, live_ports=port_available)
        settings = _override(settings, "stream_manager", port=port, host=host)
        settings = _override(settings, "jack", rate_hz=samplerate)
        if sources:
            settings = settings.model_copy(update={"sources": load_sources(sources)})
        set_up_logging("debug" if debug else settings.log.level, json_lines=settings.log.json_lines)
        analyzer = tidzam_socketio or (settings.analyzer.url if profile else DEFAULT_ANALYZER)
        asyncio.run(_run(StreamManagerOptions.from_environment(settings, analyzer=analyzer)))


def _override(settings: Settings, section: str, **values: Any) -> Settings:
    """`settings` with those `values` of a section that are not None."""
    given = {name: value for name, value in values.items() if value is not None}
    changed = getattr(settings, section).model_copy(update=given)
    return settings.model_copy(update={section: changed})


async def _run(options: StreamManagerOptions) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    on_hangup(reload=lambda: log.info("SIGHUP: the stream manager has nothing to load again"), end=stop.set)
    await run(options, stop)


if __name__ == "__main__":
    cli()
