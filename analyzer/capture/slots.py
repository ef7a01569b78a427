"""The assignment of ports to slots of the ring, its changes as ports come and go, and the slots left behind. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SlotPlan:
    """Channels to close, ports to open with their slots, and `refused` ports for which no slot was free."""

    close: tuple[str, ...]
    open: Mapping[str, int]
    refused: tuple[str, ...]


def plan(wanted: Collection[str], connected: Mapping[str, bool], used: Mapping[str, int], *, slots: int) -> SlotPlan:
    """The changes from the channels in `used` (port to slot) to the ports in `wanted`.

    A channel that is no longer `connected` is closed even if its port exists: that port is a new one of the same
    name. Channels that stay keep their slots; new ones get the lowest free slots, in the order of their names.
    """
    close = tuple(port for port in used if port not in wanted or not connected[port])
    kept = {port: slot for port, slot in used.items() if port not in close}
    fresh = sorted((port for port in wanted if port not in kept), key=natural_order)
    free = (slot for slot in range(slots) if slot not in kept.values())
    opened = dict(zip(fresh, free, strict=False))
    return SlotPlan(close, opened, tuple(port for port in fresh if port not in opened))


class ClosedSlots:
    """The slots that were used and are free again, whose memory can be given back after `rest_frames`.

    Until then, the analyzer may still read their last windows, and a callback of JACK may still write to them.
    """

    def __init__(self, rest_frames: int) -> None:
        self._rest_frames = rest_frames
        self._closed: dict[int, int] = {}

    def close(self, slot: int, frame: int) -> None:
        """A slot became free at a frame."""
        self._closed[slot] = frame

    def open(self, slot: int) -> None:
        """A slot is used again."""
        self._closed.pop(slot, None)

    def rested(self, frame: int) -> list[int]:
        """The slots that have been free for long enough at a frame. Each is returned once."""
        rested = [slot for slot, since in self._closed.items() if frame - since >= self._rest_frames]
        for slot in rested:
            del self._closed[slot]
        return rested


def natural_order(port: str) -> tuple[str, int]:
    """`S:out_2` before `S:out_10`."""
    stem = port.rstrip("0123456789")
    return stem, int(port[len(stem) :] or -1)
