"""The capture ports of a JACK server: `python -P -m tidzam.jack.port_probe` prints their names as a JSON list.

libjack may wait forever for a server that hangs, so this is a separate process, which its parent ends after a deadline.
"""

from __future__ import annotations

import json
import os

import jack

CLIENT_NAME = "tidzam-ports"
SERVER_GONE = 4


def main() -> int:
    jack.set_error_function(_mute)
    jack.set_info_function(_mute)
    try:
        client = jack.Client(CLIENT_NAME, no_start_server=True)
    except jack.JackOpenError:
        return SERVER_GONE
    ports = client.get_ports(is_audio=True, is_output=True, is_physical=True)
    print(json.dumps([port.name for port in ports]), flush=True)
    client.close()
    return 0


def _mute(message: str) -> None:
    """Discard libjack's messages: the exit code is sufficient."""


if __name__ == "__main__":
    code = main()
    os._exit(code)  # not by sys.exit: it would wait for libjack's threads, which may hang
