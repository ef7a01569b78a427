"""start, run, stop, restart, check, status."""

from __future__ import annotations

import os
import time

import typer
from rich.markup import escape

from tidzam.cli.interrupts import interruptible
from tidzam.cli.options import HomeOption, JsonOption, ProfileOption, console, profile_settings, running_node, say
from tidzam.config import Settings
from tidzam.errors import TidzamError
from tidzam.node.home import Home, find_home
from tidzam.node.status import NodeStatus
from tidzam.terminal import print_json

WITH_FAULTS = 3
"""Exit code of a start after which something does not work."""


def start(
    profile: ProfileOption = "default",
    home: HomeOption = None,
    keep: bool = typer.Option(False, "--keep", help="After a failure, keep running what was started."),
) -> None:
    """Start the node and wait until it works; then show its processes, sources and addresses.

    Exit code: 0 started and healthy, 1 not started, 2 wrong usage, 3 started, but with faults, such as a source that
    cannot be played.
    """
    from tidzam.node.lifecycle import start as start_node

    settings = profile_settings(profile, home)
    place = find_home(home, settings)
    began = time.monotonic()
    with interruptible(), place.locked(say):
        status = start_node(place, settings, keep=keep, say=say)
    _finish_start(status, settings, seconds=time.monotonic() - began)


def run(profile: ProfileOption = "default", home: HomeOption = None) -> None:
    """Start the node and stay in the foreground; stop it at Ctrl-C or SIGTERM. For systemd: it says when the node
    works, and gives signs of life while it does.

    Exit code: 0 stopped, 1 not started, 2 wrong usage.
    """
    from tidzam.node.foreground import become_foreground
    from tidzam.node.lifecycle import start as start_node
    from tidzam.node.service_manager import ServiceManager

    manager = ServiceManager.take(os.environ)
    settings = profile_settings(profile, home)
    place = find_home(home, settings)
    began = time.monotonic()
    with interruptible(), place.locked(say):
        status = start_node(place, settings, keep=False, say=say)
    _show_start(status, settings, seconds=time.monotonic() - began)
    become_foreground(place, manager)


def stop(home: HomeOption = None) -> None:
    """Stop all processes of the node and release their resources."""
    place, stopped = find_home(home), False
    if place.profile.is_file():
        with interruptible(), place.locked(say):
            stopped = _stop(place)
    say(f"stopped the node of {place.root}" if stopped else f"no node is running in {place.root}")


def _stop(place: Home) -> bool:
    from tidzam.node.cleanup import node_processes
    from tidzam.node.lifecycle import stop as stop_node

    ran = bool(node_processes(place))
    stop_node(place, place.settings())
    return ran


def restart(
    profile: str = typer.Option(
        "", "--profile", "-p", help="As for `start`.", show_default="the profile of the last start"
    ),
    home: HomeOption = None,
) -> None:
    """Stop the node if it is running, and start it. Everything that could prevent the start is checked first.

    Exit code: that of `start`.
    """
    from tidzam.node.lifecycle import restart as restart_node

    chosen = profile_settings(profile, home) if profile else None
    place = find_home(home, chosen)
    settings = chosen or place.settings()
    began = time.monotonic()
    with interruptible(), place.locked(say):
        status = restart_node(place, settings, say=say)
    _finish_start(status, settings, seconds=time.monotonic() - began)


def _finish_start(status: NodeStatus, settings: Settings, *, seconds: float) -> None:
    if _show_start(status, settings, seconds=seconds):
        raise typer.Exit(WITH_FAULTS)


def _show_start(status: NodeStatus, settings: Settings, *, seconds: float) -> bool:
    """Show a node that was started; returns whether it has faults."""
    from tidzam.cli.access import access_lines, first_admin_lines
    from tidzam.cli.show import print_started
    from tidzam.node.check import faults

    found = faults(status, settings.check)
    print_started(console, status, found, seconds=seconds)
    lines = [*first_admin_lines(settings, status.home), *access_lines(settings, Home(status.home).token)]
    for line in lines:
        console.print(escape(line), highlight=False, soft_wrap=True)
    return bool(found)


def check(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check that the node works, and restart programs that do not.

    Exit code: 0 healthy, 1 repaired, 2 not healthy.
    """
    from tidzam.cli.show import print_findings
    from tidzam.node.lifecycle import check as check_node

    try:
        place, settings = running_node(home)
        with interruptible(), place.locked(say):
            checked = check_node(place, settings, say)
    except TidzamError as error:
        say(str(error))
        raise typer.Exit(2) from None
    if as_json:
        found, left = ([fault.reason for fault in faults] for faults in (checked.found, checked.left))
        print_json({"verdict": checked.verdict, "found": found, "left": left, "remarks": list(checked.remarks)})
    else:
        for fault in dict.fromkeys(checked.found):
            if fault not in checked.left:
                console.print(f"[yellow]repaired:[/] {escape(fault.reason)}", highlight=False)
        print_findings(console, checked.left, checked.remarks)
        console.print(f"[bold]{checked.verdict}[/]")
    raise typer.Exit(["healthy", "repaired", "not healthy"].index(checked.verdict))


def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the processes, sources, analyzer and addresses of the node.

    Exit code: 0 healthy, 1 not healthy or not running.
    """
    from tidzam.cli.show import print_status
    from tidzam.node.check import faults
    from tidzam.node.status import node_status

    place, settings = running_node(home)
    now = node_status(place, settings)
    found = faults(now, settings.check)
    if as_json:
        print_json(now.to_dict())
    else:
        print_status(console, now, found)
    raise typer.Exit(1 if found else 0)
