"""Whether a JACK server's cycles run: `python -m tidzam.jack.cycle_probe` prints the frame time of its last cycle.

A line is printed every `EVERY_S`, until standard input ends or the server goes. The frame time is the one that the
server notes in each cycle; `frame_time` would be extrapolated from it by the clock, and thus move although the server
hangs. libjack may wait for ever for a server that hangs, so this is a process of its own: whoever runs it ends it after
a deadline.
"""

from __future__ import annotations

import os
import select
import signal
import sys

import jack

CLIENT_NAME = "tidzam-probe"
EVERY_S = 0.25
SERVER_GONE = 4


def main() -> int:
    jack.set_error_function(_mute)
    jack.set_info_function(_mute)
    try:
        client = jack.Client(CLIENT_NAME, no_start_server=True)
    except jack.JackOpenError:
        return SERVER_GONE
    # libjack cannot be trusted once the server has gone, not even to close.
    client.set_shutdown_callback(lambda status, reason: os._exit(SERVER_GONE))
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        while not select.select([sys.stdin], [], [], EVERY_S)[0]:
            print(client.last_frame_time, flush=True)
    except (BrokenPipeError, SystemExit):
        pass
    client.close()
    return 0


def _mute(message: str) -> None:
    """Discard libjack's own messages: what matters is in the exit code."""


if __name__ == "__main__":
    code = main()
    os._exit(code)
