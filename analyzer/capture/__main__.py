"""`python -m analyzer.capture --fd N PATTERN…`: JACK ports into the ring in the memory file N.

Ends when its standard input closes, at TERM or INT, or when the JACK server goes; it is started again by the analyzer.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import threading
import time

import jack

from analyzer.capture.events import Alive, Event, Failed, Ready, encode
from analyzer.capture.port_watcher import CLIENT_NAME, PortWatcher
from analyzer.ring import Ring
from tidzam.errors import JackError, TidzamError

_CLOCK_EVERY_S = 1.0
_ALIVE_EVERY_S = 0.9
_FIRST_BLOCK_EVERY_S = 0.05
_SWITCH_INTERVAL_S = 0.0005
"""How long this process's other threads may keep the callback from the interpreter; Python's own default is 5 ms."""


def main() -> int:
    options = _options()
    gc.disable()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    jack.set_error_function(lambda message: None)  # every call's outcome is checked
    jack.set_info_function(lambda message: None)
    try:
        _record(options)
    except TidzamError as error:
        _say(Failed(error.message, error.hint))
        return 1
    except BrokenPipeError:  # the analyzer has gone
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m analyzer.capture")
    parser.add_argument("--fd", type=int, required=True, help="memory file to lay the ring in")
    parser.add_argument("--slots", type=int, default=256, help="channels at most")
    parser.add_argument("--ring-s", type=float, default=10.0, help="length of the ring in seconds")
    parser.add_argument("patterns", nargs="+", help="ports to capture: globs, or beginnings of names")
    return parser.parse_args()


def _record(options: argparse.Namespace) -> None:
    _say(Alive(None))
    client = _open_client()
    capacity = int(options.ring_s * client.samplerate)
    ring = Ring.create(options.fd, slots=options.slots, capacity_frames=capacity, rate_hz=client.samplerate)
    watcher = PortWatcher(client, ring, tuple(options.patterns), _say)
    try:
        stop = _stop_request(watcher.changed)
        _say(Ready(client.name, client.samplerate))
        _watch(watcher, stop)
    except jack.JackError as error:
        raise JackError(f"JACK failed: {error}.") from error
    if watcher.gone.is_set():
        raise JackError("The JACK server has gone.")
    watcher.stop()


def _open_client() -> jack.Client:
    try:
        return jack.Client(CLIENT_NAME, no_start_server=True)
    except jack.JackOpenError as error:
        raise JackError(
            f"No JACK server can be reached: {error}.",
            hint="Start jackd under the name that JACK_DEFAULT_SERVER gives. It takes 256 clients at most.",
        ) from error


def _stop_request(changed: threading.Event) -> threading.Event:
    """An event that is set, together with `changed`, at TERM, INT or the end of standard input."""
    stop = threading.Event()

    def ask(*_: object) -> None:
        stop.set()
        changed.set()

    def wait_for_end() -> None:
        while os.read(sys.stdin.fileno(), 1024):  # not sys.stdin.read: its lock would hold up the interpreter's end
            pass
        ask()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    threading.Thread(target=wait_for_end, daemon=True).start()
    return stop


def _watch(watcher: PortWatcher, stop: threading.Event) -> None:
    """Patch whenever ports changed, tell the clock every second, until asked to stop or JACK has gone."""
    clock_due = alive_due = 0.0
    while not (stop.is_set() or watcher.gone.is_set()):
        watcher.changed.clear()
        if time.monotonic() >= alive_due:
            _say(Alive(watcher.cycle()))
            alive_due = time.monotonic() + _ALIVE_EVERY_S
        watcher.patch()
        if time.monotonic() >= clock_due and (clock := watcher.clock()):
            _say(clock)
            clock_due = time.monotonic() + _CLOCK_EVERY_S
        watcher.changed.wait(_CLOCK_EVERY_S if clock_due else _FIRST_BLOCK_EVERY_S)


def _say(event: Event) -> None:
    print(encode(event), flush=True)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # libjack taking leave of a server that has gone may crash
