"""How samples, files and times are written for a person at a terminal."""

from __future__ import annotations

from pathlib import Path

from tidzam.dataset import Origin
from tidzam.text import shown


def clock(time_s: float) -> str:
    """Seconds as `m:ss.s`, with hours if there are any."""
    tenths = round(time_s * 10)
    minutes, seconds = divmod(tenths // 10, 60)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{start}:{seconds:02d}.{tenths % 10}"


def path_of(typed: str) -> Path:
    """A path as a person types it."""
    return Path(typed).expanduser()


def file_of(origin: Origin) -> str:
    return shown(Path(origin.file).name)


def channel_of(origin: Origin) -> str:
    return "all" if origin.channel is None else str(origin.channel)


def moment_of(origin: Origin) -> str:
    return "" if origin.time is None else f"{origin.time:%Y-%m-%d %H:%M:%S}"


def place_of(origin: Origin) -> str:
    """Where a sample comes from, in a line."""
    parts = [
        f"{file_of(origin)} at {clock(origin.offset_s)}",
        "all channels" if origin.channel is None else f"channel {origin.channel}",
        f"{moment_of(origin)} UTC" if origin.time else "",
        f"recording {shown(origin.group)}" if origin.group else "",
        f"in {shown(str(Path(origin.file).parent))}",
    ]
    return " · ".join(part for part in parts if part)
