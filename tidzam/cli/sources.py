"""sources: the sources of the node, how much was heard of them, and the devices that sound can be captured from."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from tidzam.cli.audited import record_command
from tidzam.cli.options import HomeOption, JsonOption, console, running_node, say
from tidzam.config import Settings
from tidzam.errors import NodeError
from tidzam.node.home import Home, find_home
from tidzam.protocol.source_status import SourceStatus, TransitionList
from tidzam.scrub import scrub_address
from tidzam.terminal import command_line, print_json

app = command_line(help="Show the sources of the node, how much was heard of them, and the capture devices.")

DayOption = Annotated[
    str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="The day, in UTC.", show_default="today")
]


@app.callback(invoke_without_command=True)
def sources(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the sources of the node, how much was heard of them, and the capture devices.

    Without a command, list the sources with their states and their gaps.
    """
    context.obj = home
    if context.invoked_subcommand is not None:
        return
    found = _loaded_sources(home)
    if as_json:
        print_json({"sources": [source.model_dump(mode="json") for source in found]})
        return
    from tidzam.cli.source_tables import output_faults, source_faults, sources_table

    console.print(sources_table(found))
    _print_faults([*source_faults(found), *output_faults(found)])


def _loaded_sources(home: Path | None) -> tuple[SourceStatus, ...]:
    """Raises NodeError if the stream manager does not answer."""
    from tidzam.node.status import node_status

    place, settings = running_node(home)
    status = node_status(place, settings, thorough=False)
    if status.manager is None:
        raise NodeError(f"The stream manager of the node of {place.root} does not answer.", hint="See `tidzam status`.")
    return status.sources


@app.command()
def load(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the source.")],
    url: Annotated[str, typer.Argument(help="Address, or path of a file under a media root.")],
    channels: Annotated[str | None, typer.Option(help="Channels to load, comma-separated.", show_default="all")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Repeat a file without a gap.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load a permanent source, in place of one with the same name, and wait until it plays."""
    from tidzam.accounts.audit import AuditAction
    from tidzam.cli.source_requests import request_sources
    from tidzam.cli.source_tables import source_faults, sources_table

    wanted = {"name": name, "url": url, "is_permanent": True, "loop": loop}
    if channels is not None:
        wanted["channels"] = channels
    node = running_node(home or context.obj)
    replaced = any(source["name"] == name for source in request_sources(*node, sources="")["sources"])
    answer = request_sources(*node, loadsource=wanted)["loadsource"]
    action = AuditAction.SOURCE_CHANGED if replaced else AuditAction.SOURCE_ADDED
    record_command(home or context.obj, action, name, url=scrub_address(url))
    if as_json:
        print_json(answer)
        return
    status = SourceStatus.model_validate(answer)
    console.print(sources_table([status]))
    _print_faults(source_faults([status]))


@app.command()
def unload(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the source.")],
    home: HomeOption = None,
) -> None:
    """Unload a source. If it replaced one of the profile, that one is loaded again."""
    from tidzam.accounts.audit import AuditAction
    from tidzam.cli.source_requests import request_sources

    request_sources(*running_node(home or context.obj), unloadsource={"name": name})
    record_command(home or context.obj, AuditAction.SOURCE_REMOVED, name)
    say(f"unloaded {name}")


@app.command()
def record(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the source.")],
    on: Annotated[bool, typer.Option("--on/--off", help="Record it, or no longer.")] = True,
    home: HomeOption = None,
) -> None:
    """Record a source from now on, or no longer. That outlives restarts."""
    from tidzam.accounts.audit import AuditAction
    from tidzam.cli.source_requests import request_sources

    request_sources(*running_node(home or context.obj), record={"name": name, "on": on})
    record_command(home or context.obj, AuditAction.RECORDING_SWITCHED, name, recording="on" if on else "off")
    say(f"{name} is recorded" if on else f"{name} is no longer recorded")


@app.command()
def history(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the source.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the last 100 changes of a source's state, each with its reason."""
    from tidzam.cli.source_health_tables import history_table
    from tidzam.cli.source_requests import request_sources

    answer = request_sources(*running_node(home or context.obj), transitions={"name": name})["transitions"]
    if as_json:
        print_json(answer)
        return
    console.print(history_table(TransitionList.model_validate(answer)))


@app.command()
def signals(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the health of the signal of each channel: silent, stuck, clipped, humming, narrow or well."""
    from tidzam.cli.source_health_tables import signals_table

    found = _loaded_sources(home or context.obj)
    if as_json:
        print_json({"signals": [one.model_dump(mode="json") for source in found for one in source.signals]})
        return
    console.print(signals_table(found))


def _print_faults(faults: list[str]) -> None:
    for fault in faults:
        console.print(f"[red]✗[/] {escape(fault)}", highlight=False)


@app.command()
def heard(context: typer.Context, day: DayOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the minutes of a day that were heard of each channel, and why the others are missing.

    The node need not be running. A channel is expected to be heard while its source is loaded.
    """
    from tidzam.cli.source_tables import heard_json, heard_table
    from tidzam.gaps.report import read_report, recorded_days

    place, now = _home(context, home), datetime.now(UTC)
    report = read_report(place.gaps, _day(day, now), now)
    if as_json:
        print_json(heard_json(report))
        return
    if not report.channels:
        days = recorded_days(place.gaps)
        span = f"Its records are from {days[0]} to {days[-1]}." if days else "It has no records yet."
        say(f"Nothing is known about {report.day} in {place.gaps}. {span}")
        return
    console.print(heard_table(report))
    if report.damaged:
        say(f"{report.damaged} damaged lines of {place.gaps / f'{report.day}.jsonl'} were skipped")


def _day(text: str | None, now: datetime) -> date:
    if text is None:
        return now.date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day; expected for example {now.date()}.") from None


@app.command()
def devices(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the ALSA devices that capture sound, and the capture ports of the node's JACK server.

    The node need not be running: then only the ALSA devices are shown.
    """
    from dataclasses import asdict

    from tidzam.audio.alsa import capture_devices
    from tidzam.cli.source_tables import alsa_table, device_profile, jack_table
    from tidzam.jack.port_query import capture_ports_of

    found = capture_devices()
    place = _home(context, home)
    settings = place.settings() if place.profile.is_file() else None
    server = settings.jack.server if settings is not None and not settings.edge.enabled else None
    ports = capture_ports_of(server) if server else None
    if as_json:
        alsa = [{"name": device.name, **asdict(device)} for device in found]
        print_json({"alsa": alsa, "jack": None if ports is None else list(ports)})
        return
    if found:
        console.print(alsa_table(found))
        console.print("Profile of a node that captures from the first one:\n")
        profile = device_profile(found[0], edge=settings is not None and settings.edge.enabled)
        console.print(escape(profile), highlight=False)
    else:
        console.print("This machine has no ALSA device that captures sound (none is listed in /proc/asound).")
    if ports is None:
        console.print("\n" + _no_ports(settings))
    else:
        console.print()
        console.print(jack_table(ports))


def _no_ports(settings: Settings | None) -> str:
    """Why no JACK ports are shown."""
    if settings is not None and settings.edge.enabled:
        return "An edge node has no JACK ports: it records devices by `input.device`."
    return "The node is not running: its JACK ports are not known."


def _home(context: typer.Context, home: Path | None) -> Home:
    """The home of the option after the command, else of the one before it."""
    return find_home(home or context.obj)
