"""Whether a JACK server's cycles run: `python -m tidzam.jack.cycle_probe` prints the frame time of its last cycle.

A line is printed at once, soon after that, and then every `EVERY_S`, until standard input ends or the server is gone.
The frame time is the one that the server records in each cycle; `frame_time` is extrapolated from it by the clock, so
it would advance although the server hangs. libjack may wait forever for a hung server, so this is a separate process,
which is never killed: it ends when the server answers or is gone (see `tidzam.jack.client_grace`).
Its exit code is one of `tidzam.jack.probe_protocol` if it could not open its client.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time

import jack

from tidzam.jack.probe_protocol import SERVER_GONE, refusal_code

CLIENT_NAME = "tidzam-probe"
FIRST_S = 0.02
"""Time between the first two lines. It doubles until it is EVERY_S."""
EVERY_S = 0.25


def main() -> int:
    jack.set_error_function(_mute)
    jack.set_info_function(_mute)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())  # before the client is opened
    began_s = time.monotonic()
    try:
        client = jack.Client(CLIENT_NAME, no_start_server=True)
    except jack.JackOpenError as error:
        return refusal_code(server_failed=error.status.server_failed, took_s=time.monotonic() - began_s)
    # Once the server has gone, libjack is not reliable, not even for closing the client.
    client.set_shutdown_callback(lambda status, reason: os._exit(SERVER_GONE))
    wait_s = 0.0
    try:
        while not stop.is_set() and not select.select([sys.stdin], [], [], wait_s)[0]:
            print(client.last_frame_time, flush=True)
            wait_s = min(EVERY_S, max(FIRST_S, 2 * wait_s))
    except BrokenPipeError:
        pass
    client.close()
    return 0


def _mute(message: str) -> None:
    """Discard libjack's messages: the exit code is sufficient."""


if __name__ == "__main__":
    code = main()
    os._exit(code)
