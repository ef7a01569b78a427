"""A process that passes JACK ports on under the name of a source: `python -P -m tidzam.jack.port_copy`.

It owns the JACK client of the source and copies each port, such as those of a sound card, to `out_0` …, in the same
cycle. It reports a CopyStatus every STATUS_S on standard output, and ends when its standard input closes, when a port
that it copies disappears, or when the JACK server goes.
"""

from __future__ import annotations

import argparse
import gc
import os
import select
import signal
import sys
import time
from collections.abc import Sequence

import jack

from tidzam.jack.callback_end import CallbackEnd
from tidzam.jack.copy_protocol import EXIT_NO_PORT, EXIT_NO_SERVER, EXIT_REFUSED, EXIT_SERVER_GONE, MESSAGES, CopyStatus
from tidzam.jack.priority import run_first
from tidzam.jack.ring import wrapped_difference
from tidzam.jack.term import term_deferred

STATUS_S = 0.5
CONNECTED_S = 2.0
"""How long a new connection may take to be visible: JACK makes it between two cycles."""
SWITCH_INTERVAL_S = 0.0005
"""How long other threads of this process may keep the GIL from the JACK callback; Python's default is 5 ms."""
_WRAP = 1 << 32


class PortCopier:
    """Copies the ports `inputs` to its own `out_0` … in each cycle, while it is active."""

    def __init__(self, client: jack.Client) -> None:
        self._client = client
        self._pairs: tuple[tuple[jack.OwnPort, jack.OwnPort], ...] = ()
        self._next: int | None = None
        self._end = CallbackEnd()
        self._may_run = False
        self._copied = self._skipped = 0
        client.set_process_callback(self._process)

    def start(self, inputs: Sequence[str]) -> None:
        """Begin to copy. Raises jack.JackError, for instance if a port does not exist."""
        client = self._client
        self._pairs = tuple(
            (client.inports.register(f"in_{number}"), client.outports.register(f"out_{number}"))
            for number in range(len(inputs))
        )
        self._may_run = True
        client.activate()
        for name, (own, _) in zip(inputs, self._pairs, strict=True):
            own.connect(name)

    def end(self) -> None:
        """Copy no more, so that the client can be closed, however far `start` has come."""
        if self._may_run:
            self._end.reach()

    @property
    def is_complete(self) -> bool:
        """Whether all ports are still connected."""
        return all(own.number_of_connections > 0 for own, _ in self._pairs)

    def status(self) -> CopyStatus:
        return CopyStatus(self._client.samplerate, self._copied, self._skipped)

    def _process(self, frames: int) -> None:
        """JACK's callback: copies, and counts the frames that were copied and those that were skipped."""
        if self._end.is_wanted:
            for _, out in self._pairs:
                out.get_array()[:] = 0
            self._end.confirm()
            return
        frame = self._client.last_frame_time
        for own, out in self._pairs:
            out.get_buffer()[:] = own.get_buffer()
        if self._next is not None:
            # A late callback reads the time of the next cycle, which is then read twice.
            self._skipped += max(0, wrapped_difference(frame, self._next))
        self._next = (frame + frames) % _WRAP
        self._copied += frames


def main() -> int:
    options = _options()
    gc.disable()  # the callback must not wait for it, and nothing here makes cycles of references
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    jack.set_error_function(_mute)
    jack.set_info_function(_mute)
    try:
        with term_deferred():
            client = jack.Client(options.client, use_exact_name=True, no_start_server=True)
    except jack.JackOpenError as error:
        return _refuse(
            f"JACK refuses the client: {error}", EXIT_NO_SERVER if error.status.server_failed else EXIT_REFUSED
        )
    # Once the server has gone, libjack is not reliable, not even for closing the client.
    client.set_shutdown_callback(lambda status, reason: os._exit(EXIT_SERVER_GONE))
    try:
        return _copy(client, options.ports)
    finally:
        client.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -P -m tidzam.jack.port_copy")
    parser.add_argument("--client", required=True, help="name of the JACK client")
    parser.add_argument("ports", nargs="+", help="the ports to copy, in the order of its own")
    return parser.parse_args()


def _copy(client: jack.Client, inputs: Sequence[str]) -> int:
    existing = {port.name for port in client.get_ports(is_audio=True, is_output=True)}
    missing = [name for name in inputs if name not in existing]
    if missing:
        return _refuse(f"there is no port {missing[0]}", EXIT_NO_PORT)
    copier = PortCopier(client)
    try:
        copier.start(inputs)
        return _report_while_complete(copier)
    except jack.JackError as error:
        return _refuse(f"unable to register port: {error}", EXIT_REFUSED)
    finally:
        copier.end()


def _report_while_complete(copier: PortCopier) -> int:
    run_first()
    deadline_s = time.monotonic() + CONNECTED_S
    while not copier.is_complete and time.monotonic() < deadline_s:
        time.sleep(CONNECTED_S / 100)
    while copier.is_complete:
        print(MESSAGES.encode(copier.status()), flush=True)
        if select.select([sys.stdin], [], [], STATUS_S)[0]:  # the parent closes it
            return 0
    return _refuse("a port that is copied has disappeared", EXIT_NO_PORT)


def _refuse(reason: str, code: int) -> int:
    print(reason, file=sys.stderr, flush=True)
    return code


def _mute(message: str) -> None:
    """Discard libjack's own messages: what matters is raised as an error."""


if __name__ == "__main__":
    try:
        code = main()
    except SystemExit as ended:  # by TERM
        code = ended.code if isinstance(ended.code, int) else 1
    except BrokenPipeError:  # the parent has gone
        code = 0
    sys.stderr.flush()
    os._exit(code)  # not by sys.exit: it would wait for libjack's threads, which may hang
