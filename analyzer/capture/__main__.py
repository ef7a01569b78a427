"""`python -m analyzer.capture --fd N PATTERN…`: copy JACK ports into the ring in the memory file N.

Ends when its standard input closes, at TERM or INT, or when the JACK server shuts down. The analyzer starts it again.
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

from analyzer.capture.events import Alive, CaptureFailed, Event, Ready, encode
from analyzer.capture.port_watcher import PortWatcher
from tidzam.errors import JackError, TidzamError
from tidzam.jack.ring import Ring
from tidzam.naming import ANALYZER_CLIENT

_CLOCK_EVERY_S = 1.0
_ALIVE_EVERY_S = 0.9
_ROUND_S = 20.0
"""How long the clients of new sources may take to open. A process that waits for longer shows no sign of life."""
_FIRST_BLOCK_EVERY_S = 0.05
_SWITCH_INTERVAL_S = 0.0005
"""How long other threads of this process may keep the GIL from the JACK callback; Python's default is 5 ms."""
_writing = threading.Lock()


def main() -> int:
    options = _options()
    gc.disable()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    jack.set_error_function(lambda message: None)  # the result of every call is checked
    jack.set_info_function(lambda message: None)
    try:
        _capture(options)
    except TidzamError as error:
        _send(CaptureFailed(error.message, error.hint))
        return 1
    except BrokenPipeError:  # the analyzer has gone
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m analyzer.capture")
    parser.add_argument("--fd", type=int, required=True, help="descriptor of the memory file for the ring")
    parser.add_argument("--slots", type=int, default=256, help="maximum number of channels")
    parser.add_argument("--ring-s", type=float, default=10.0, help="length of the ring in seconds")
    parser.add_argument("patterns", nargs="+", help="ports to capture: globs, or prefixes of names")
    return parser.parse_args()


def _capture(options: argparse.Namespace) -> None:
    _send(Alive(None))
    client = _open_client()
    capacity = int(options.ring_s * client.samplerate)
    ring = Ring.create(options.fd, slots=options.slots, capacity_frames=capacity, rate_hz=client.samplerate)
    watcher = PortWatcher(client, ring, tuple(options.patterns), _send)
    try:
        stop = _stop_request(watcher.changed)
        _send(Ready(client.name, client.samplerate))
        _watch(watcher, stop)
    except jack.JackError as error:
        raise JackError(f"JACK failed: {error}.") from error
    if watcher.gone.is_set():
        raise JackError("The JACK server has shut down.")
    watcher.stop()


def _open_client() -> jack.Client:
    try:
        return jack.Client(ANALYZER_CLIENT, no_start_server=True)
    except jack.JackOpenError as error:
        raise JackError(
            f"The JACK server cannot be reached: {error}.",
            hint="Start jackd under the name in JACK_DEFAULT_SERVER. It accepts at most 256 clients.",
        ) from error


def _stop_request(changed: threading.Event) -> threading.Event:
    """An event that is set, together with `changed`, at TERM, INT or the end of standard input."""
    stop = threading.Event()

    def ask(*_: object) -> None:
        stop.set()
        changed.set()

    def wait_for_end() -> None:
        while os.read(sys.stdin.fileno(), 1024):  # not sys.stdin.read: its lock would delay the exit of the interpreter
            pass
        ask()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    threading.Thread(target=wait_for_end, daemon=True).start()
    return stop


def _watch(watcher: PortWatcher, stop: threading.Event) -> None:
    """Connect ports when they change and report the clock every second, until a stop request or the end of JACK."""
    clock_due = 0.0
    rounds = _Rounds()
    threading.Thread(target=_beat, args=(watcher, rounds), daemon=True).start()
    while not (stop.is_set() or watcher.gone.is_set()):
        watcher.changed.clear()
        rounds.begin()
        watcher.update()
        if time.monotonic() >= clock_due and (clock := watcher.clock()):
            _send(clock)
            clock_due = time.monotonic() + _CLOCK_EVERY_S
        watcher.changed.wait(_CLOCK_EVERY_S if clock_due else _FIRST_BLOCK_EVERY_S)


class _Rounds:
    """The rounds in which ports are connected, as the thread of the beat sees them."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._began_s = time.monotonic()

    @property
    def go_on(self) -> bool:
        """Whether the current round has not taken too long."""
        return time.monotonic() - self._began_s < _ROUND_S


def _beat(watcher: PortWatcher, rounds: _Rounds) -> None:
    """Send signs of life, also while JACK keeps the main thread waiting: existing channels are captured meanwhile."""
    while True:
        if rounds.go_on:
            _send(Alive(watcher.cycle()))
        time.sleep(_ALIVE_EVERY_S)


def _send(event: Event) -> None:
    with _writing:
        print(encode(event), flush=True)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # libjack may crash when it disconnects from a server that has shut down
