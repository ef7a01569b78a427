"""The stream manager's JACK client, a separate process: `python -m stream_manager.jack.agent`.

libjack may hang or abort when its server dies, so it must not run in the stream manager. This process makes the
connections that are missing and reports what it sees to its parent by the messages of jack_agent_protocol. It ends when
the server goes, and can be killed whenever its client is open: the next one takes over. Its arguments are the seconds
between measurements of signals, and the suffixes of the outputs' JACK clients.

Connecting is a request to the server, which may hang. Beats are therefore sent from a separate thread, which only
reads JACK's shared memory.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Sequence

import jack

from stream_manager.jack.agent_protocol import (
    BEAT_S,
    EXIT_NO_SERVER,
    EXIT_SERVER_GONE,
    OPEN_S,
    AgentBeat,
    AgentMessage,
    Connected,
    encode_all,
    port_changes,
    signal_messages,
    stall_timeout_s,
)
from stream_manager.jack.connections import Connection, missing_connections, possible_connections
from stream_manager.jack.xrun_counter import XrunCounter
from stream_manager.signals.silence_meter import SilenceMeter
from stream_manager.signals.thread import start_measuring

CLIENT_NAME = "tidzam-patchbay"
SETTLE_S = 0.02
"""Ports come in bursts, which are reported at once."""
EXAMINE_S = 0.1
"""How often sources that have been silent since the last beat are examined."""


class Reporter:
    """Sends messages to the parent, and beats at regular intervals."""

    def __init__(self) -> None:
        self._writing = threading.Lock()
        self._round_began_s = time.monotonic()
        self._client: jack.Client | None = None
        self._xruns = XrunCounter()
        self.ports: frozenset[str] = frozenset()
        threading.Thread(target=self._beat, daemon=True).start()

    def send(self, messages: Iterable[AgentMessage]) -> None:
        lines = encode_all(messages)
        with self._writing:
            if lines:
                print(lines, flush=True)

    def begin_round(self) -> None:
        """Note that the main thread is not stuck."""
        self._round_began_s = time.monotonic()

    def watch(self, client: jack.Client) -> None:
        """From now on, report the state of JACK in the beats."""
        self._client = client

    def note_xrun(self, delayed_us: float) -> None:
        """JACK's callback."""
        self._xruns.add(delayed_us)

    def _beat(self) -> None:
        while self._client is None:
            opening_s = time.monotonic() - self._round_began_s
            self.send([AgentBeat(opening_s > OPEN_S, opening_s)])
            time.sleep(BEAT_S)
        client, meter = self._client, SilenceMeter(self._client)
        timeout_s = stall_timeout_s(client.blocksize, client.samplerate)
        frame, moved_s = client.last_frame_time, time.monotonic()
        while True:
            for _ in range(round(BEAT_S / EXAMINE_S)):
                meter.examine(self.ports)
                time.sleep(EXAMINE_S)
            now_s, now_frame = time.monotonic(), client.last_frame_time
            if now_frame != frame:
                frame, moved_s = now_frame, now_s
            quiet = tuple(sorted(meter.take_quiet()))
            xruns, late_s = self._xruns.take()
            stalled = now_s - moved_s > timeout_s
            self.send([AgentBeat(stalled, now_s - self._round_began_s, quiet, xruns, late_s)])


def main(interval_s: float, suffixes: Sequence[str]) -> int:
    jack.set_error_function(_mute)
    jack.set_info_function(_mute)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())  # not while the client is being opened
    reporter = Reporter()
    try:
        client = jack.Client(CLIENT_NAME, no_start_server=True)
    except jack.JackOpenError as error:
        print(_refusal(error), file=sys.stderr)
        return EXIT_NO_SERVER
    changed = threading.Event()
    client.set_port_registration_callback(lambda port, registered: changed.set())
    client.set_port_connect_callback(lambda output, input, connected: changed.set())
    client.set_xrun_callback(reporter.note_xrun)
    # Once the server has gone, libjack is not reliable, not even for closing the client.
    client.set_shutdown_callback(lambda status, reason: os._exit(EXIT_SERVER_GONE))
    client.activate()
    reporter.send([Connected(client.samplerate)])
    reporter.watch(client)
    start_measuring(client, lambda: reporter.ports, interval_s, lambda found: reporter.send(signal_messages(found)))
    while not stop.is_set():
        reporter.begin_round()
        changed.clear()
        _report(reporter, frozenset(port.name for port in client.get_ports()))
        _connect(client, reporter.ports, suffixes)
        reporter.begin_round()
        changed.wait(BEAT_S)
        time.sleep(SETTLE_S)
    return 0


def _mute(message: str) -> None:
    """Discard libjack's own messages: what matters is raised as an error."""


def _refusal(error: jack.JackOpenError) -> str:
    if error.status.server_failed:
        return "no server"
    return f"the server refuses: {error}"


def _report(reporter: Reporter, present: frozenset[str]) -> None:
    before, reporter.ports = reporter.ports, present
    reporter.send(port_changes(before, present))


def _connect(client: jack.Client, ports: frozenset[str], suffixes: Sequence[str]) -> None:
    for output, target in missing_connections(ports, suffixes, _connections(client, ports, suffixes)):
        try:
            client.connect(output, target)
        except jack.JackError:  # one side is gone again, or not active yet: the next round tries again
            continue


def _connections(client: jack.Client, ports: frozenset[str], suffixes: Sequence[str]) -> list[Connection]:
    """Those of the possible connections that exist."""
    found: list[Connection] = []
    for output, target in possible_connections(ports, suffixes):
        try:
            found += [(output, peer.name) for peer in client.get_all_connections(output) if peer.name == target]
        except jack.JackError:  # gone since
            continue
    return found


if __name__ == "__main__":
    # Not by sys.exit: it would wait for libjack's threads, which may hang.
    sys.stderr.flush()
    code = main(float(sys.argv[1]), sys.argv[2:])
    sys.stderr.flush()
    os._exit(code)
