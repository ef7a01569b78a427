"""The stream manager's JACK client, in a process of its own: `python -m stream_manager.jack_agent`.

libjack may hang or abort when its server dies, so it must not live in the stream manager. This process makes the
connections that are missing and reports what it sees to its parent, as jack_link describes. It ends when the server
goes, and can be killed at any time: the next one takes over.

Connecting is a request to the server, which may hang. Therefore beats are sent from a thread of their own, which only
reads JACK's shared memory.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable

import jack

from stream_manager.connections import Connection, missing_connections
from stream_manager.jack_agent_protocol import BEAT_S, EXIT_NO_SERVER, EXIT_SERVER_GONE, OPEN_S, Beat, stall_timeout_s
from stream_manager.silence_meter import SilenceMeter

CLIENT_NAME = "tidzam-patchbay"
SETTLE_S = 0.02
"""Ports come in bursts; one look at a burst is enough."""
LOOK_S = 0.1
"""How often the sources that have been silent since the last beat are examined."""


class Reporter:
    """Writes to the parent, and sends the beats."""

    def __init__(self) -> None:
        self._writing = threading.Lock()
        self._round_began_s = time.monotonic()
        self._client: jack.Client | None = None
        self.ports: frozenset[str] = frozenset()
        threading.Thread(target=self._beat, daemon=True).start()

    def write(self, lines: Iterable[str]) -> None:
        with self._writing:
            print("\n".join(lines), flush=True)

    def begin_round(self) -> None:
        """The main thread is not stuck."""
        self._round_began_s = time.monotonic()

    def watch(self, client: jack.Client) -> None:
        """From now on, beats report the state of JACK."""
        self._client = client

    def _beat(self) -> None:
        while self._client is None:
            opening_s = time.monotonic() - self._round_began_s
            self.write([str(Beat(opening_s > OPEN_S, opening_s))])
            time.sleep(BEAT_S)
        client, meter = self._client, SilenceMeter(self._client)
        timeout_s = stall_timeout_s(client.blocksize, client.samplerate)
        frame, moved_s = client.last_frame_time, time.monotonic()
        while True:
            for _ in range(round(BEAT_S / LOOK_S)):
                meter.look(self.ports)
                time.sleep(LOOK_S)
            now_s, now_frame = time.monotonic(), client.last_frame_time
            if now_frame != frame:
                frame, moved_s = now_frame, now_s
            self.write([str(Beat(now_s - moved_s > timeout_s, now_s - self._round_began_s, meter.take_quiet()))])


def main() -> int:
    jack.set_error_function(_mute)
    jack.set_info_function(_mute)
    reporter = Reporter()
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
    reporter.write([f"={client.samplerate}"])
    reporter.watch(client)
    while True:
        reporter.begin_round()
        changed.clear()
        _report(reporter, frozenset(port.name for port in client.get_ports()))
        _connect(client, reporter.ports)
        reporter.begin_round()
        changed.wait(BEAT_S)
        time.sleep(SETTLE_S)


def _mute(message: str) -> None:
    """libjack's own chatter; what matters comes as an error."""


def _why_not(error: jack.JackOpenError) -> str:
    if error.status.server_failed:
        return "no server"
    return f"the server refuses: {error}"


def _report(reporter: Reporter, present: frozenset[str]) -> None:
    gone, come = sorted(reporter.ports - present), sorted(present - reporter.ports)
    reporter.ports = present
    reporter.write([*(f"-{port}" for port in gone), *(f"+{port}" for port in come), ""])


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
    # Not by sys.exit: it would wait for libjack's threads, which may hang.
    sys.stderr.flush()
    code = main()
    sys.stderr.flush()
    os._exit(code)
