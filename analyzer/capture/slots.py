"""The assignment of ports to slots of the ring, and its changes as ports come and go. Pure."""

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


def natural_order(port: str) -> tuple[str, int]:
    """`S:out_2` before `S:out_10`."""
    stem = port.rstrip("0123456789")
    return stem, int(port[len(stem) :] or -1)
