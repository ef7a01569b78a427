"""The JACK ports of live streams: `python -P -m tidzam.jack.live_ports CLIENT PORTS DELAY_S BUFFER_S`.

A process of its own, because libjack may hang or abort when its server dies, and because a busy interpreter would miss
cycles. It reads `LiveFrame`s from standard input and reports by `LIVE_MESSAGES`. Each open slot has one port, `out_N`.
It ends with its standard input, or when the server has gone.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import time

import jack

from tidzam.jack.feeder_protocol import EXIT_NO_SERVER, EXIT_REFUSED, EXIT_SERVER_GONE
from tidzam.jack.live_closing import POLL_S, ClosingStep, PortClosing
from tidzam.jack.live_protocol import (
    LIVE_MESSAGES,
    STATUS_S,
    FrameKind,
    LiveBeat,
    LiveFrame,
    LiveFrameReader,
    LiveMessage,
    LivePortOptions,
    LiveReady,
    SlotClosed,
)
from tidzam.jack.live_slot import LiveSlot
from tidzam.jack.priority import run_first
from tidzam.jack.term import term_deferred
from tidzam.jack.writer import JackWriter
from tidzam.types import Float32

_READ_BYTES = 1 << 18
_SWITCH_INTERVAL_S = 0.0005
"""How long the reading thread may keep the GIL from the JACK callback; Python's default is 5 ms."""


class LivePorts:
    """The slots and their ports. One thread calls all methods but `fill`, which is JACK's."""

    def __init__(self, client: jack.Client, options: LivePortOptions) -> None:
        self._client, self._options = client, options
        self._slots: dict[int, LiveSlot] = {}
        self._playing: tuple[tuple[int, LiveSlot], ...] = ()
        self._closing: dict[int, PortClosing] = {}
        self.writer = JackWriter(client, options.ports, self.fill, open_ports=False)

    def fill(self, frame: int, block: Float32) -> None:
        for number, slot in self._playing:
            slot.read(frame, block[number : number + 1])

    def handle(self, frame: LiveFrame) -> None:
        """Carry out a request of the parent. Audio for a slot that is not open is ignored."""
        slot = self._slots.get(frame.slot)
        if frame.kind is FrameKind.OPEN and slot is None:
            self._open(frame.slot)
        elif slot is None or frame.slot in self._closing:
            return
        elif frame.kind is FrameKind.AUDIO:
            slot.write(frame.pcm, frame.rate_hz)
        elif frame.kind is FrameKind.CLOSE:
            slot.end()
            cycle_s = self._client.blocksize / self._client.samplerate
            self._closing[frame.slot] = PortClosing(time.monotonic(), cycle_s)

    def _open(self, number: int) -> None:
        slot = LiveSlot(
            number,
            rate_hz=self._client.samplerate,
            delay_s=self._options.delay_s,
            buffer_s=self._options.buffer_s,
            cycle_frames=self._client.blocksize,
            frame_time=lambda: self._client.frame_time,
        )
        self._set({**self._slots, number: slot})
        try:
            self.writer.open_port(number)
        except jack.JackError as error:
            self._set({other: kept for other, kept in self._slots.items() if other != number})
            _send(SlotClosed(number, str(error)))

    def _set(self, slots: dict[int, LiveSlot]) -> None:
        self._slots, self._playing = slots, tuple(slots.items())

    @property
    def is_closing(self) -> bool:
        return bool(self._closing)

    def close_ended(self) -> None:
        """Take the next step for each closed slot."""
        for number, closing in list(self._closing.items()):
            has_ended, is_silent = self._slots[number].has_ended, self.writer.is_silent(number)
            match closing.step(time.monotonic(), has_ended=has_ended, is_silent=is_silent):
                case ClosingStep.SILENCE:
                    self.writer.silence(number)
                case ClosingStep.REMOVE:
                    self._remove(number)

    def _remove(self, number: int) -> None:
        self.writer.close_port(number)
        self._set({other: kept for other, kept in self._slots.items() if other != number})
        del self._closing[number]
        _send(SlotClosed(number))

    def report(self) -> None:
        for slot in self._slots.values():
            _send(slot.status)
        _send(LiveBeat())


def main(options: LivePortOptions) -> int:
    gc.disable()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    signal.signal(signal.SIGTERM, _leave)  # first: to be killed while it opens its client would harm the server
    jack.set_error_function(_mute)
    jack.set_info_function(_mute)
    try:
        with term_deferred():
            client = jack.Client(options.client, use_exact_name=True, no_start_server=True)
    except jack.JackOpenError as error:
        print(f"JACK refuses the client {options.client}: {error}", file=sys.stderr)
        return EXIT_NO_SERVER if error.status.server_failed else EXIT_REFUSED
    # Once the server has gone, libjack is not reliable, not even for closing the client.
    client.set_shutdown_callback(lambda status, reason: os._exit(EXIT_SERVER_GONE))
    ports = LivePorts(client, options)
    try:
        with ports.writer:
            run_first()
            _send(LiveReady(client.samplerate))
            _serve(ports)
    except (BrokenPipeError, SystemExit):
        return 0
    except jack.JackError as error:
        print(f"JACK refuses the client {options.client}: {error}", file=sys.stderr)
        return EXIT_REFUSED
    return 0


def _serve(ports: LivePorts) -> None:
    """Carry out requests until standard input ends, or the callback has failed."""
    frames, report_due_s = LiveFrameReader(), 0.0
    stdin = sys.stdin.fileno()
    while ports.writer.error is None:
        if select.select([stdin], [], [], POLL_S if ports.is_closing else STATUS_S / 2)[0]:
            data = os.read(stdin, _READ_BYTES)
            if not data:
                return
            for frame in frames.feed(data):
                ports.handle(frame)
        ports.close_ended()
        if time.monotonic() >= report_due_s:
            ports.report()
            report_due_s = time.monotonic() + STATUS_S


def _send(message: LiveMessage) -> None:
    print(LIVE_MESSAGES.encode(message), flush=True)


def _leave(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


def _mute(message: str) -> None:
    """Discard libjack's messages: the result of every call is checked."""


if __name__ == "__main__":
    try:
        code = main(LivePortOptions.parse(*sys.argv[1:]))
    except SystemExit:  # by TERM, before there were ports
        code = 0
    sys.stderr.flush()
    os._exit(code)  # libjack's threads may hang
