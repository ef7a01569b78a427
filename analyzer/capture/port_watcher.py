"""Follows JACK's ports: one capture client per matching source, one slot of the ring per channel."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Final

import jack

from analyzer.capture.events import Clock, Closed, Event, Opened, Refused
from analyzer.capture.port_capture import PortCapture
from analyzer.capture.slots import ClosedSlots, plan
from tidzam.jack.callback_watch import CallbackWatch
from tidzam.jack.clock import read_clocks
from tidzam.jack.ring import CLOCK, LANES, Ring, RingWriter
from tidzam.naming import capture_client, source_of
from tidzam.patterns import matches

_FORGOTTEN_S: Final = 30.0
"""For how long JACK may not call a client while its cycles run: a player that hangs delays it until replaced."""
_SETTLED_CYCLES: Final = 2
"""A connection takes effect at a cycle boundary after the call; by then the callback has the new channels as well."""


class PortWatcher:
    """Keeps the captured channels in step with JACK's ports, and reports changes to `send`.

    `changed` is set when ports may have come or gone, `gone` when the server has shut down. One thread
    calls all methods.
    """

    def __init__(
        self, client: jack.Client, ring: Ring, patterns: tuple[str, ...], send: Callable[[Event], None]
    ) -> None:
        self.changed, self.gone = threading.Event(), threading.Event()
        self._ring, self._patterns, self._send = ring, patterns, send
        self._slots: dict[str, int] = {}
        self._closed = ClosedSlots(ring.capacity_frames)
        self._captures: dict[str, tuple[int, PortCapture]] = {}
        self._watches: dict[str, CallbackWatch] = {}
        self._refused: frozenset[str] = frozenset()
        self._last_lane = CLOCK
        client.set_port_registration_callback(lambda port, register: self.changed.set(), only_available=False)
        self._clock = PortCapture(client, RingWriter(ring, CLOCK), self._leave)

    def _leave(self) -> None:
        self.gone.set()
        self.changed.set()

    def update(self) -> None:
        """Release ports that disappeared, and capture new ones. Other channels are not touched."""
        if not self._ring.written_until():
            return  # the clock has not started
        self._close_forgotten()
        names = (port.name for port in self._clock.client.get_ports(is_audio=True, is_output=True))
        wanted = {name for name in names if matches(name, self._patterns)}
        connected = {
            name: joined for _, capture in self._captures.values() for name, joined in capture.channels.items()
        }
        todo = plan(wanted, connected, self._slots, slots=self._ring.slots)
        for name in todo.close:
            self._close(name)
        refused = dict.fromkeys(todo.refused, f"All {self._ring.slots} slots are in use: raise analyzer.max_channels.")
        for name, slot in todo.open.items():
            try:
                self._open(name, slot)
            except jack.JackError as error:
                if not self._is_there(name):
                    continue  # it disappeared in the meantime
                refused[name] = (
                    f"JACK refused it: {error}. Unload a source, or raise jack.port_max (at most 256 clients)."
                )
        self._leave_idle()
        self._give_back()
        for name in refused.keys() - self._refused:
            self._send(Refused(name, refused[name]))
        for name in self._refused - refused.keys() - self._slots.keys():
            self._send(Closed(name))
        self._refused = frozenset(refused)

    def _is_there(self, name: str) -> bool:
        return any(port.name == name for port in self._clock.client.get_ports(is_output=True))

    def _open(self, name: str, slot: int) -> None:
        lane, capture = self._capture_of(source_of(name))
        capture.open(name, slot)
        self._slots[name] = slot
        self._closed.open(slot)
        first_frame = self._clock.writer.next_frame + _SETTLED_CYCLES * self._ring.period
        self._send(Opened(name, slot, lane, first_frame))

    def _capture_of(self, source: str) -> tuple[int, PortCapture]:
        """The source's capture, a new one if it has none. Raises jack.JackError."""
        if source not in self._captures:
            lane = self._free_lane()
            client = jack.Client(capture_client(source), no_start_server=True)
            writer = RingWriter(self._ring, lane, near=self._clock.writer.next_frame)
            self._captures[source] = lane, PortCapture(client, writer, self._leave)
            self._watches[source] = CallbackWatch(round(_FORGOTTEN_S * self._ring.rate_hz))
        return self._captures[source]

    def _free_lane(self) -> int:
        """The lane that was freed longest ago: the analyzer may still read what its last source wrote."""
        taken = {lane for lane, _ in self._captures.values()}
        after_last = (1 + (self._last_lane + offset) % (LANES - 1) for offset in range(LANES - 1))
        self._last_lane = next(lane for lane in after_last if lane not in taken)
        return self._last_lane

    def _close(self, name: str) -> None:
        self._closed.close(self._slots.pop(name), self._clock.writer.next_frame)
        self._captures[source_of(name)][1].close(name)
        self._send(Closed(name))

    def _give_back(self) -> None:
        """Give back the memory of channels that are gone."""
        for slot in self._closed.rested(self._ring.written_until()):
            with contextlib.suppress(OSError):  # where memory is locked, it stays
                self._ring.give_back(slot)

    def _close_forgotten(self) -> None:
        """Close the clients that JACK does not call. Their channels are captured again by others."""
        cycle = self.cycle()
        for source, (lane, capture) in list(self._captures.items()):
            if self._watches[source].is_forgotten(cycle, self._ring.written_until(lane)):
                for name in list(capture.channels):
                    self._close(name)
        self._leave_idle()

    def _leave_idle(self) -> None:
        idle = [source for source, (_, capture) in self._captures.items() if not capture.channels]
        for source in idle:
            del self._watches[source]
            self._captures.pop(source)[1].stop()

    def clock(self) -> Clock | None:
        """The frame clock and the system clock; None before the first cycle, or if no precise reading succeeded."""
        near = self._ring.written_until()
        pair = read_clocks(self._clock.client, near) if near else None
        return Clock(pair.frame, pair.utc_s) if pair else None

    def cycle(self) -> int:
        """The frame at which JACK's last cycle began, in 32 bits."""
        return int(self._clock.client.last_frame_time)

    def stop(self) -> None:
        """Close all JACK clients."""
        captures = [*(capture for _, capture in self._captures.values()), self._clock]
        for capture in captures:  # all in the same cycle
            capture.end()
        for capture in captures:
            capture.stop()
