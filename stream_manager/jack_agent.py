"""The stream manager's JACK client, in a process of its own: `python -m stream_manager.jack_agent`.

libjack may hang or abort when its server dies, so it must not live in the stream manager. This process makes the
connections that are missing and tells its parent what it sees, as jack_link says. It ends when the server goes, and
can be killed at any time: the next one takes over.
"""

from __future__ import annotations

import os
import sys
import threading
import time

import jack

from stream_manager.jack_link import EXIT_NO_SERVER, EXIT_SERVER_GONE, SIGN_OF_LIFE_S
from stream_manager.patchbay import Connection, missing_connections

CLIENT_NAME = "tidzam-patchbay"
SETTLE_S = 0.02
"""Ports come in bursts; one look at a burst is enough."""


def main() -> int:
    jack.set_error_function(_mute)
    jack.set_info_function(_mute)
    try:
        client = jack.Client(CLIENT_NAME, no_start_server=True)
    except jack.JackOpenError as error:
        print(_why_not(error), file=sys.stderr)
        return EXIT_NO_SERVER
    changed = threading.Event()
    client.set_port_registration_callback(lambda port, registered: changed.set())
    client.set_port_connect_callback(lambda output, input, connected: changed.set())
    # The server has gone and libjack cannot be trusted any more, not even to close: no farewell.
    client.set_shutdown_callback(lambda status, reason: os._exit(EXIT_SERVER_GONE))
    client.activate()
    print(f"={client.samplerate}", flush=True)
    known: frozenset[str] = frozenset()
    while True:
        changed.clear()
        known = _tell(known, frozenset(port.name for port in client.get_ports()))
        _connect(client, known)
        changed.wait(SIGN_OF_LIFE_S)
        time.sleep(SETTLE_S)


def _mute(message: str) -> None:
    """libjack's own chatter; what matters comes as an error."""


def _why_not(error: jack.JackOpenError) -> str:
    if error.status.server_failed:
        return "no server"
    return f"the server refuses: {error}"


def _tell(known: frozenset[str], present: frozenset[str]) -> frozenset[str]:
    gone, come = sorted(known - present), sorted(present - known)
    print("\n".join([*(f"-{port}" for port in gone), *(f"+{port}" for port in come), ""]), flush=True)
    return present


def _connect(client: jack.Client, ports: frozenset[str]) -> None:
    for output, feed in missing_connections(ports, _connections(client, ports)):
        try:
            client.connect(output, feed)
        except jack.JackError:  # one side is gone again, or not active yet: the next look tries anew
            continue


def _connections(client: jack.Client, ports: frozenset[str]) -> list[Connection]:
    """The connections that could be missing: those between ports that belong together."""
    found: list[Connection] = []
    for output, feed in missing_connections(ports, ()):
        try:
            found += [(output, peer.name) for peer in client.get_all_connections(output) if peer.name == feed]
        except jack.JackError:  # gone since
            continue
    return found


if __name__ == "__main__":
    sys.exit(main())
