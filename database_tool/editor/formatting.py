"""How samples, files and times are shown."""

from __future__ import annotations

from pathlib import Path

from tidzam.dataset import Origin
from tidzam.text import shown


def clock(time_s: float) -> str:
    """Seconds as `m:ss.s`, or `h:mm:ss.s` from an hour on."""
    tenths = round(time_s * 10)
    minutes, seconds = divmod(tenths // 10, 60)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{start}:{seconds:02d}.{tenths % 10}"


def path_of(typed: str) -> Path:
    """The path that a person typed."""
    return Path(typed).expanduser()


def file_name(origin: Origin) -> str:
    return shown(Path(origin.file).name)


def channel_name(origin: Origin) -> str:
    return "all" if origin.channel is None else str(origin.channel)


def time_of(origin: Origin) -> str:
    return "" if origin.time is None else f"{origin.time:%Y-%m-%d %H:%M:%S}"


def describe_origin(origin: Origin) -> str:
    """Where a sample comes from, in one line."""
    parts = [
        f"{file_name(origin)} at {clock(origin.offset_s)}",
        "all channels" if origin.channel is None else f"channel {origin.channel}",
        f"{time_of(origin)} UTC" if origin.time else "",
        f"recording {shown(origin.group)}" if origin.group else "",
        f"in {shown(Path(origin.file).parent)}",
    ]
    return " · ".join(part for part in parts if part)
