"""The state of the analyzer as it goes over the wire. Pure."""

from __future__ import annotations

from analyzer.live.channel_status import channel_status
from analyzer.live.health import LiveHealth
from analyzer.live.source_rates import SourceRates
from analyzer.pipeline import Pipeline
from tidzam.protocol.analyzer import AnalyzerFault, AnalyzerHealth, SinkStatus
from tidzam.protocol.classifiers import ReloadStatus
from tidzam.protocol.privacy import PrivacyStatus
from tidzam.protocol.shadow import ShadowStatus


def health_message(
    live: LiveHealth,
    pipeline: Pipeline,
    rates: SourceRates,
    *,
    node: str,
    sinks: tuple[SinkStatus, ...] = (),
    privacy: PrivacyStatus | None = None,
    reload: ReloadStatus | None = None,
    shadow: ShadowStatus | None = None,
    dropped_messages: int,
) -> AnalyzerHealth:
    """The state of the analyzer as it goes over the wire."""
    statistics, age_s = live.statistics, live.statistics.age_s()
    return AnalyzerHealth(
        node=node,
        engine=pipeline.engine,
        classifiers=pipeline.classifiers,
        bundles=dict(pipeline.bundle_versions),
        reload=reload or ReloadStatus(),
        shadow=shadow,
        channels=live.channels,
        lag_s=round(statistics.lag_s, 4) if statistics.windows else None,
        lost_frames=statistics.lost_frames,
        gaps=statistics.gaps,
        dropped_windows=statistics.dropped_windows,
        replaced_samples=live.replaced_samples,
        dropped_messages=dropped_messages,
        windows_per_s=round(statistics.windows_per_s(), 2),
        windows=statistics.windows,
        last_window_age_s=None if age_s is None else round(age_s, 3),
        capture_pid=live.capture_pid,
        rate_hz=live.rate_hz,
        faults=(*live.faults, *classifier_faults(pipeline)),
        channel_states=tuple(
            channel_status(
                channel,
                pipeline,
                source_rate_hz=rates.of_channel(channel),
                rate_hz=live.rate_hz,
                heard_s=live.heard_s.get(channel),
            )
            for channel in live.channels
        ),
        classifier_errors=dict(pipeline.classifier_errors),
        sinks=sinks,
        privacy=privacy,
    )


def classifier_faults(pipeline: Pipeline) -> tuple[AnalyzerFault, ...]:
    """The classifiers whose networks fail: a fault of their bundles."""
    return tuple(
        AnalyzerFault(code="classifier", origin="bundle", message=message) for message in pipeline.failing.values()
    )
