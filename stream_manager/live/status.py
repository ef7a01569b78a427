"""The status of live streams: of the source that they share, and of each. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from stream_manager.live.registry import LiveStream
from tidzam.naming import LIVE_SOURCE
from tidzam.protocol.live_streams import LiveStreamStatus
from tidzam.protocol.source_status import SourceRemark, SourceState, SourceStatus


def source_status(
    streams: Sequence[LiveStream],
    ports: frozenset[str],
    jack_hz: int | None,
    *,
    mounts: Sequence[str],
    sent_bytes: int,
    restarts: int,
    outputs_ok: bool,
) -> SourceStatus:
    """The status of the source of `streams`, which are ordered by slot and at least one.

    `ports` are those that exist in JACK, `mounts` the addresses of all its channels, in use or not.
    """
    shown = [stream for stream in streams if stream.port in ports]
    details = tuple(map(stream_status, streams))
    rates = [stream.rate_hz for stream in streams]
    is_narrow = jack_hz is not None and min(rates) < jack_hz
    return SourceStatus(
        name=LIVE_SOURCE,
        state=SourceState.PLAYING if shown else SourceState.LOADING,
        ok=bool(shown) and outputs_ok,
        url="",
        channels=len(shown),
        ports=tuple(stream.port for stream in shown),
        mounts=tuple(mounts[stream.slot] for stream in shown if stream.slot < len(mounts)),
        restarts=restarts,
        last_error=None,
        started=min(stream.started for stream in streams) if shown else None,
        bytes=sent_bytes,
        gaps=sum(detail.gaps for detail in details),
        remarks=(SourceRemark.LOW_SAMPLE_RATE,) if is_narrow else (),
        live_streams=details,
    )


def stream_status(stream: LiveStream) -> LiveStreamStatus:
    """The status of one stream."""
    totals, status = stream.totals.plus(stream.status), stream.status
    recorder = stream.recorder
    return LiveStreamStatus(
        port=stream.port,
        plays=status is not None and status.plays,
        rate_hz=stream.rate_hz,
        started=stream.started,
        buffered_s=0.0 if status is None else status.buffered_s,
        received_s=round(stream.received_s, 3),
        gaps=totals.gaps,
        gap_s=round(totals.gap_s, 3),
        dropped_s=round(totals.dropped_s, 3),
        drift_ppm=None if status is None else status.drift_ppm,
        recording=None if recorder is None else recorder.file_name,
    )
