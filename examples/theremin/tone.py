"""`python -m examples.theremin.tone JSON`: the process that sounds, with the JACK client `theremin`.

Its port `out_0` is filled by the writer of `tidzam.jack` in every cycle, from the latest reading in the shared memory.
It also makes the connections of the performance, its own and those of other clients, as their ports appear. It ends at
TERM or INT, with its parent, or when the JACK server shuts down.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from typing import Final

import jack

from examples.theremin.hand_memory import HandMemory, unpack
from examples.theremin.notes import PitchRange, hz_of
from examples.theremin.voice import Voice
from tidzam.jack.feeder_protocol import EXIT_NO_SERVER, EXIT_REFUSED, EXIT_SERVER_GONE
from tidzam.jack.helper_protocol import HelperMessages
from tidzam.jack.priority import run_first
from tidzam.jack.writer import JackWriter
from tidzam.types import Float32

CLIENT: Final = "theremin"
PORT: Final = f"{CLIENT}:out_0"
STALE_S: Final = 1.0
"""A tone fades out if the camera has shown nothing new for so long."""
_STEP_S: Final = 0.02
_ENDS: Final = (signal.SIGTERM, signal.SIGINT)
_SWITCH_INTERVAL_S: Final = 0.0005
"""How long other threads of this process may keep the GIL from the JACK callback; Python's default is 5 ms."""


@dataclass(frozen=True, kw_only=True)
class ToneOptions:
    """What the tone process is to do.

    `connections` are pairs of an output and an input of JACK. Then the outputs `audible` are connected to the sound
    card, and its microphone to the input `microphone_to`, if there are any.
    """

    memory_fd: int
    range: PitchRange
    connections: tuple[tuple[str, str], ...]
    audible: tuple[str, ...] = ()
    microphone_to: str | None = None

    @classmethod
    def parse(cls, argument: str) -> ToneOptions:
        """The inverse of `tone_argv`."""
        fields = json.loads(argument)
        pairs = tuple((out, to) for out, to in fields["connections"])
        return cls(**{**fields, "range": PitchRange(**fields["range"]), "connections": pairs})


def tone_argv(options: ToneOptions) -> list[str]:
    """The command line of a tone process."""
    return [sys.executable, "-m", "examples.theremin.tone", json.dumps(asdict(options))]


@dataclass(frozen=True)
class ToneReady:
    """The port exists. `period` is the length of JACK's cycle in frames."""

    rate_hz: int
    period: int


@dataclass(frozen=True)
class ToneConnected:
    """All connections are made, that of a microphone if there is one."""

    has_microphone: bool


ToneEvent = ToneReady | ToneConnected
MESSAGES: Final = HelperMessages[ToneEvent](ToneReady, ToneConnected)


class HandTone:
    """The tone of the hand in a shared memory. `fill` is called in JACK's thread; all else in the main thread."""

    def __init__(self, memory: HandMemory, range_: PitchRange, rate_hz: int) -> None:
        self._memory, self._range = memory, range_
        self._voice = Voice(rate_hz)
        self._word: int | None = None
        self._is_stale = False
        self._count, self._since_s = -1, 0.0

    def fill(self, frame: int, block: Float32) -> None:
        """Play on, as the latest reading says."""
        word = self._memory.word
        if self._is_stale:
            self._voice.release()
            self._word = None
        elif word != self._word:
            self._word = word
            reading = unpack(word)
            if reading.is_hand and reading.area > 0:
                self._voice.set(hz_of(self._range.note_of_area(reading.area)), reading.loudness)
            else:
                self._voice.release()
        self._voice.play(block[0])

    def watch(self, now_s: float) -> None:
        """Notice that nothing new has been read for STALE_S. Called at regular intervals."""
        count = self._memory.count
        if count != self._count:
            self._count, self._since_s = count, now_s
        self._is_stale = now_s - self._since_s > STALE_S


def main(argument: str) -> int:
    """Run until TERM; returns the exit code."""
    gc.disable()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    # libjack fails if a signal interrupts this thread, and reports that through a Python callback, in which what a
    # handler raises is lost. Threads of other libraries may still receive the signal.
    ends: list[int] = []
    for number in _ENDS:
        signal.signal(number, lambda number, _: ends.append(number))
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    jack.set_error_function(_mute)
    jack.set_info_function(_mute)
    options = ToneOptions.parse(argument)
    try:
        client = jack.Client(CLIENT, use_exact_name=True, no_start_server=True)
    except jack.JackOpenError as error:
        print(f"JACK refuses the client {CLIENT}: {error}", file=sys.stderr)
        return EXIT_NO_SERVER if error.status.server_failed else EXIT_REFUSED
    # Once the server has gone, libjack is not reliable, not even for closing the client.
    client.set_shutdown_callback(lambda status, reason: os._exit(EXIT_SERVER_GONE))
    tone = HandTone(HandMemory(options.memory_fd), options.range, client.samplerate)
    with JackWriter(client, 1, tone.fill) as writer:
        run_first()
        _send(ToneReady(client.samplerate, client.blocksize))
        missing = set(options.connections)
        while writer.error is None and not ends:
            tone.watch(time.monotonic())
            if missing:
                missing -= {pair for pair in missing if _connect(client, *pair)}
                if not missing:
                    _send(ToneConnected(has_microphone=_connect_card(client, options)))
            if signal.sigtimedwait(_ENDS, _STEP_S) is not None:
                break
    return 0


def _connect_card(client: jack.Client, options: ToneOptions) -> bool:
    """Play on the sound card, and record its microphone if that is asked for; whether that is possible."""
    for port in client.get_ports(is_audio=True, is_physical=True, is_input=True)[:2]:
        for output in options.audible:
            _connect(client, output, port.name)
    microphones = client.get_ports(is_audio=True, is_physical=True, is_output=True)[:1]
    return any(options.microphone_to and _connect(client, port.name, options.microphone_to) for port in microphones)


def _connect(client: jack.Client, source: str, to: str) -> bool:
    """Connect two ports; whether they are connected now."""
    try:
        client.connect(source, to)
    except jack.JackErrorCode as error:
        return bool(error.code == errno.EEXIST)
    except jack.JackError:
        return False
    return True


def _send(event: ToneEvent) -> None:
    print(MESSAGES.encode(event), flush=True)


def _mute(message: str) -> None:
    """Discard libjack's messages: the result of every call is checked."""


if __name__ == "__main__":
    code = main(sys.argv[1])
    sys.stderr.flush()
    os._exit(code)  # libjack's threads may hang
