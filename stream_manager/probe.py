"""What a file or stream holds, asked of ffprobe before anything is played."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream_manager.commands import probe_argv
from stream_manager.faults import Failure, Fault, heard_fault
from tidzam.addresses import is_address
from tidzam.process import child_process

TIMEOUT_S = 20.0
MAX_CHANNELS = 8
"""Of what mpv knows a layout for."""


class ProbeError(Exception):
    """It cannot be played; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(frozen=True)
class Probe:
    """The first sound stream of a file or address. `duration_s` is None where it has no known end."""

    channels: int
    rate_hz: int
    duration_s: float | None


async def probe(media: str) -> Probe:
    """Ask ffprobe. Raises ProbeError."""
    if not is_address(media):
        _check_file(Path(media))
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await _ask(media)
    except TimeoutError:
        raise ProbeError(Failure(Fault.UNREACHABLE, f"no answer within {TIMEOUT_S:.0f} s")) from None


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ProbeError(Failure(Fault.NOT_FOUND, str(path)))
    if path.stat().st_size == 0:
        raise ProbeError(Failure(Fault.EMPTY, str(path)))


async def _ask(media: str) -> Probe:
    pipe = asyncio.subprocess.PIPE
    async with child_process(probe_argv(media), name="ffprobe", stdout=pipe, grace_s=0.5) as child:
        assert child.process.stdout is not None
        answer = await child.process.stdout.read()
        code = await child.wait()
    if code != 0:  # and the answer need not even be JSON
        raise ProbeError(heard_fault(child.tail, Fault.NOT_AUDIO))
    return parse_probe(answer, tuple(child.tail))


def parse_probe(answer: bytes, said: Sequence[str] = ()) -> Probe:
    """ffprobe's JSON as a Probe, given what it `said` besides. Raises ProbeError if there is no sound."""
    found = _object(answer)
    if not found.get("streams"):
        raise ProbeError(Failure(Fault.NOT_AUDIO, "no sound in it"))
    if not found.get("frames"):
        raise ProbeError(heard_fault(said, Fault.NOT_AUDIO) if said else Failure(Fault.EMPTY, "a header without sound"))
    try:
        stream = found["streams"][0]
        channels, rate_hz = int(stream["channels"]), int(stream["sample_rate"])
    except (KeyError, ValueError):
        raise ProbeError(Failure(Fault.NOT_AUDIO, "its channels or rate are not known")) from None
    return Probe(channels, rate_hz, _seconds(found.get("format", {}).get("duration", "")))


def _object(answer: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(answer))
    except (TypeError, ValueError):
        raise ProbeError(Failure(Fault.NOT_AUDIO, "ffprobe's answer cannot be read")) from None


def _seconds(text: str) -> float | None:
    """A length as ffprobe tells it; None for `N/A` and whatever else is none."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 < seconds < math.inf else None


def check_channels(found: Probe, wanted: Sequence[int] | None) -> int:
    """How many ports the source gets. Raises ProbeError if they cannot be played."""
    if not 1 <= found.channels <= MAX_CHANNELS:
        raise ProbeError(Failure(Fault.CHANNELS, f"it has {found.channels}"))
    if wanted is None:
        return found.channels
    beyond = [channel for channel in wanted if channel >= found.channels]
    if beyond:
        raise ProbeError(Failure(Fault.CHANNELS, f"channel {beyond[0]} of 0 to {found.channels - 1} is asked for"))
    if len(wanted) > MAX_CHANNELS:
        raise ProbeError(Failure(Fault.CHANNELS, f"{len(wanted)} are asked for"))
    return len(wanted)
