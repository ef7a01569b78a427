"""Which transitions of a source are logged, and how. A source that keeps failing writes only a few lines. Pure."""

from __future__ import annotations

import logging

from stream_manager.source_history import Transition
from stream_manager.source_state import PlaybackState, SourceEvent
from tidzam.protocol.source_status import SourceRemark, SourceStatus

LogLine = tuple[int, str]
"""A level of `logging`, and the text."""


def is_power_of_two(count: int) -> bool:
    """Whether `count` is 1, 2, 4, 8, …: the occurrences that are logged of something that repeats itself."""
    return count > 0 and count & (count - 1) == 0


def transition_line(taken: Transition, before: PlaybackState, after: PlaybackState) -> LogLine | None:
    """The line about a transition other than STARTED; None if it is not worth one.

    Of consecutive failures with the same reason, and of the ends of a file that is played again and again, those are
    logged whose number is a power of two.
    """
    failure = taken.reason
    match taken.event:
        case SourceEvent.RETRY_DUE | SourceEvent.STARTED:
            return None
        case SourceEvent.SILENCE_BEGAN:
            return logging.WARNING, f"{taken.source}: silent: {failure}"
        case SourceEvent.SILENCE_ENDED:
            return logging.INFO, f"{taken.source}: {taken.event.value}"
    is_news = failure is not None and (before.failure is None or before.failure.fault is not failure.fault)
    if after.repeats > 1 and not is_power_of_two(after.repeats):
        return None
    if not is_news and after.failures > 1 and not is_power_of_two(after.failures):
        return None
    times = f" ({after.failures} times in a row)" if after.failures > 1 else ""
    again = "" if taken.retry_in_s is None else f"; retrying in {taken.retry_in_s:.1f} s"
    if failure is None:
        return logging.INFO, f"{taken.source}: {taken.event.value}{times}{again}"
    return logging.WARNING, f"{failure.error(taken.source)} [{failure.code}]{times}{again}"


def started_lines(status: SourceStatus, before: PlaybackState) -> list[LogLine]:
    """The lines about a source that plays, in the state `before` that."""
    if any(count > 1 and not is_power_of_two(count) for count in (before.failures, before.repeats)):
        return []
    ports = " ".join(status.ports) or "none"
    text = f"{status.name}: playing, ports {ports}, mounts {' '.join(status.mounts)}"
    lines = [(logging.INFO, text)]
    if SourceRemark.LOW_SAMPLE_RATE in status.remarks:
        narrow = f"its sample rate is {status.rate_hz} Hz: it has no content above {status.band_hz} Hz"
        lines.append((logging.WARNING, f"{status.name}: {narrow}"))
    return lines
