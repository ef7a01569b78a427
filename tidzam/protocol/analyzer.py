"""The analyzer's messages: the frozen `sys` event of Tidzam 2019, and the events that clients subscribe to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from tidzam.errors import RequestError
from tidzam.naming import is_live_port, source_name, source_of
from tidzam.protocol.channel_status import ChannelStatus
from tidzam.protocol.classifiers import ListClassifiers, ReloadClassifiers, ReloadStatus
from tidzam.protocol.extraction import SAMPLE_EXTRACTION_RULES, SampleExtractionAnswer, SampleExtractionRequest
from tidzam.protocol.globs import WireGlobs
from tidzam.protocol.messages import Message, Refusal, WireTime, parse, wire_time
from tidzam.protocol.privacy import PrivacyStatus, SpeechEvent
from tidzam.protocol.shadow import PromoteClassifiers, RollBackClassifiers, ShadowStatus, StartShadow
from tidzam.protocol.source_status import SourceStatus
from tidzam.protocol.spectrogram import SpectrogramEvent
from tidzam.results import Analysis, ChannelState, DetectionChange

PROBABILITY_DIGITS = 4
MANY_CLASSES = 1000
"""An event that lists the probabilities of more classes leaves out the smallest: nearly all of thousands are 0."""

MOST_JACK_SOURCES: Final = 512

EventName = Literal["analysis", "detection", "shadow", "health", "speech", "spectrogram"]


JACK_SOURCE: Final = "JackSource"
"""The event with which the stream manager reports its sources: a list of JackSource."""


def _source_or_live_port(name: str) -> str:
    return name if is_live_port(name) else source_name(name)


JackSourceName = Annotated[str, AfterValidator(_source_or_live_port)]


class JackSource(Message):
    """A source of the stream manager, reported when it starts, when it changes, and when the two programs reconnect.

    The rate is the source's own: JACK carries it resampled, which adds nothing to its band. A source that replays
    recordings is reported again whenever its time jumps. The analyzer then uses the recordings' times; until `frame` is
    known, it does not analyze the source.
    """

    name: JackSourceName = Field(description="Name of the source; of a live stream, its port")
    starting_time: WireTime | None = Field(
        None, description="When its audio began, UTC; of recordings, the time in them that is played at `frame`"
    )
    frame: int | None = Field(None, ge=0, lt=1 << 32, description="Frame of the JACK server's clock (recordings only)")
    is_recorded: bool = Field(False, description="It replays recordings, which have times of their own")
    rate_hz: int | None = Field(None, ge=1, le=10_000_000, description="Sample rate of the source; unknown if missing")


class Subscribe(Message):
    """Choose the events to receive, by channel and class (globs). Replaces the client's previous subscription.

    `shadow` stands for the `analysis` and `detection` events of the shadow cascade, which are marked. Spectrograms are
    only computed while somebody subscribes to `spectrogram`, and only of the channels that are asked for.
    """

    events: Annotated[tuple[EventName, ...], Field(max_length=16)] = Field(
        ("analysis", "detection", "health"), description="Events to receive"
    )
    channels: WireGlobs = Field(("*",), description="Ports: names, or patterns with `*`, `?` and `[…]`")
    classes: WireGlobs = Field(("*",), description="Classes: names or patterns")
    mute_sys: bool = Field(False, description="Stop sending the `sys` event")


class AnalysisEvent(Message):
    """The analysis of one window of one channel.

    `result` holds the detected classes, `paths` their paths from the root. `left_out` names the classifiers that should
    have run and did not: their network failed, or a part of their band is missing (then `state` is `band_limited`) and
    the analyzer is `strict`.
    If none ran, the result is `unknown` without predictions.

    In a cascade with windows of several lengths, `start` and `end` are those of the shortest. The last result of a
    classifier with longer windows is carried in between, multiplied by the present probability of its parent.
    """

    node: str = Field("", description="Name of the node")
    source: str = Field(description="Name of the source")
    channel: str = Field(description="Port name")
    start: datetime = Field(description="Start of the window, UTC")
    end: datetime = Field(description="End of the window, UTC")
    result: tuple[str, ...] = Field(description="The detected classes, or `unknown`")
    paths: tuple[tuple[str, ...], ...] = Field(description="The path of each detected class from the root")
    predictions: dict[str, float] = Field(
        description=f"Probabilities by class; of more than {MANY_CLASSES} classes, those that are not rounded to 0"
    )
    scores: dict[str, float] = Field(
        default_factory=dict,
        description="Values by name that are not probabilities: those of novelty bundles, from 0 to 1",
    )
    remainders: dict[str, float] = Field(
        default_factory=dict,
        description="By class, the probability that no subclass of it occurs; by `unknown`, that no class occurs",
    )
    level_dbfs: float = Field(description="RMS level in dBFS")
    gap_frames: int = Field(description="Frames of the window that were lost")
    state: ChannelState = Field(
        ChannelState.LISTENING, description="Whether the channel holds the band that the classifiers need"
    )
    left_out: tuple[str, ...] = Field((), description="Classifiers that should have run and did not")
    ages_s: dict[str, float] = Field(
        default_factory=dict,
        description="By classifier with longer windows whose result is carried, seconds since the end of its window",
    )
    waiting: tuple[str, ...] = Field(
        (), description="Classifiers whose windows are longer than what was heard of the channel so far"
    )
    shadow: bool = Field(False, description="It is of the shadow cascade, which is only tried")


class DetectionEvent(Message):
    """A detection: consecutive windows with the same class, on one or several channels of a source.

    A call that several channels hear is one detection. Probabilities and `windows` are those of all its channels.
    """

    node: str = Field("", description="Name of the node")
    state: Literal["start", "update", "end"] = Field(description="Whether it starts, continues or ends")
    id: str = Field(description="Unique across nodes and restarts")
    source: str = Field(description="Name of the source")
    channel: str = Field(description="Port name; of several, the loudest one at the start")
    channels: tuple[str, ...] = Field((), description="Port names of all channels, the loudest first")
    levels_dbfs: dict[str, float] = Field(
        default_factory=dict, description="The highest RMS level of a window in dBFS, by port name"
    )
    arrivals_ms: dict[str, float] = Field(
        default_factory=dict,
        description="Milliseconds by which the sound arrives later than on the loudest channel, by port name; channels "
        "for which that cannot be measured are missing",
    )
    path: tuple[str, ...] = Field(description="The class and its parents, from the root")
    start: datetime = Field(description="Start of its first window, UTC")
    end: datetime = Field(description="End of its last window so far, UTC")
    peak_probability: float = Field(description="The highest probability of the class in a window")
    mean_probability: float = Field(description="The mean probability of the class over the windows")
    windows: int = Field(description="Number of windows so far")
    peak_scores: dict[str, float] = Field(
        default_factory=dict, description="The highest `scores` of its windows, by name: those of novelty bundles"
    )
    clip: str | None = Field(
        None,
        description="File of the first clip of it that is kept, relative to the folder of clips; it is there some "
        "windows later, unless it cannot be written",
    )
    shadow: bool = Field(False, description="It is of the shadow cascade, which is only tried")


FaultCode = Literal["starting", "capture", "jack_away", "stalled", "late", "no_channel", "sample_rate", "classifier"]
FaultOrigin = Literal["analyzer", "jack", "source", "bundle", "settings"]


class AnalyzerFault(Message):
    """A fault and its origin. Restarting the analyzer repairs only faults that originate in the `analyzer`.

    `starting` and `capture` are about the capture process, `stalled` and `jack_away` about the JACK server, `late`
    about windows that are not analyzed in time, `no_channel` about ports that are missing, `sample_rate` about JACK's
    rate, `classifier` about a network whose outputs are not probabilities.
    """

    code: FaultCode = Field(description="What is wrong, for programs")
    origin: FaultOrigin = Field(description="What has to be repaired")
    message: str = Field(description="What is wrong, and what to do")


class SinkStatus(Message):
    """A sink of the results. If it fails, it is restarted until it works."""

    name: str = Field(description="Type of the sink, numbered from the second of the same type")
    delivered: int = Field(0, description="Batches that it has taken since the start")
    errors: int = Field(description="Failures since the start")
    dropped: int = Field(description="Batches dropped because the sink was too slow or failed")
    fault: str | None = Field(None, description="Why it fails at present")


class AnalyzerHealth(Message):
    """The health of the analyzer, also served as the `detail` of its /healthz."""

    node: str = Field("", description="Name of the node")
    engine: str = Field(description="Engine that runs the classifiers")
    classifiers: tuple[str, ...] = Field(description="Names of the classifiers")
    bundles: dict[str, str] = Field(default_factory=dict, description="Version of each classifier's bundle, by name")
    reload: ReloadStatus = Field(description="How often other classifiers took over, and were refused")
    shadow: ShadowStatus | None = Field(None, description="The shadow cascade, if there is one")
    channels: tuple[str, ...] = Field(description="Port names")
    lag_s: float | None = Field(description="Time from the end of a window to its events")
    lost_frames: int = Field(description="Frames skipped by JACK or missed by capture")
    gaps: int = Field(0, description="Number of gaps in which frames were lost")
    dropped_windows: int = Field(0, description="Windows captured but not analyzed, to keep up")
    replaced_samples: int = Field(
        0, description="Samples that were not finite, or far beyond full scale, and were replaced with silence"
    )
    dropped_messages: int = Field(0, description="Messages dropped for slow clients and sinks")
    windows_per_s: float = Field(description="Windows analyzed per second, all channels")
    windows: int = Field(description="Since the start, all channels")
    last_window_age_s: float | None = Field(description="Time since the end of the last analyzed window")
    capture_pid: int | None = Field(description="Process id of the capture process, while it runs")
    rate_hz: int | None = Field(description="Sample rate of JACK, while it is known")
    faults: tuple[AnalyzerFault, ...] = Field((), description="Current faults")
    channel_states: tuple[ChannelStatus, ...] = Field((), description="The captured channels")
    classifier_errors: dict[str, int] = Field(
        default_factory=dict, description="Windows for which a classifier's outputs were not probabilities"
    )
    sinks: tuple[SinkStatus, ...] = Field((), description="The sinks of the results")
    privacy: PrivacyStatus | None = Field(None, description="What is not kept; None if nothing detects speech")


class SysAnalysis(Message):
    """The results of one window in a `sys` event; the spelling is that of Tidzam 2019."""

    time: str = Field(description="Start of the window, YYYY-MM-DD-HH-MM-SS.mmm, UTC")
    result: tuple[str, ...] = Field(description="The detected classes, or `unknown`")
    predicitions: dict[str, float] = Field(
        description=f"Probabilities by class; of more than {MANY_CLASSES} classes, those that are not rounded to 0"
    )


class SysChannel(Message):
    """The results of one channel in a `sys` event."""

    chan: str = Field(description="Port name")
    analysis: SysAnalysis = Field(description="The results")


MESSAGES: Mapping[str, type[Message]] = {
    "refusal": Refusal,
    "JackSource[]": JackSource,
    "sys[]": SysChannel,
    "sys/classifier/list": ListClassifiers,
    "sys/classifier/reload": ReloadClassifiers,
    "sys/classifier/shadow": StartShadow,
    "sys/classifier/promote": PromoteClassifiers,
    "sys/classifier/rollback": RollBackClassifiers,
    "subscribe": Subscribe,
    SAMPLE_EXTRACTION_RULES: SampleExtractionRequest,
    f"{SAMPLE_EXTRACTION_RULES}/answer": SampleExtractionAnswer,
    "analysis": AnalysisEvent,
    "detection": DetectionEvent,
    "speech": SpeechEvent,
    "spectrogram": SpectrogramEvent,
    "health": AnalyzerHealth,
}


def sys_event(analyses: Iterable[Analysis]) -> list[dict[str, Any]]:
    """The `sys` event of Tidzam 2019, including its spelling. Frozen: old clients read it."""
    return [
        {
            "chan": analysis.channel,
            "analysis": {
                "time": wire_time(analysis.start),
                "result": list(analysis.result),
                "predicitions": _listed(analysis.probabilities),
            },
        }
        for analysis in analyses
    ]


def analysis_event(
    analysis: Analysis, path_of: Mapping[str, tuple[str, ...]], *, node: str, shadow: bool = False
) -> AnalysisEvent:
    """`path_of` maps each class to its path from the root; `unknown` needs none."""
    return AnalysisEvent(
        node=node,
        source=source_of(analysis.channel),
        channel=analysis.channel,
        start=analysis.start,
        end=analysis.end,
        result=analysis.result,
        paths=tuple(path_of.get(label, (label,)) for label in analysis.result),
        predictions=_listed(analysis.probabilities),
        scores=_rounded(analysis.scores),
        remainders=_rounded(analysis.remainders),
        level_dbfs=round(analysis.level_dbfs, 1),
        gap_frames=analysis.gap_frames,
        state=analysis.state,
        left_out=analysis.left_out,
        ages_s={name: round(age_s, 3) for name, age_s in analysis.ages_s.items()},
        waiting=analysis.waiting,
        shadow=shadow,
    )


def detection_event(change: DetectionChange, *, node: str, shadow: bool = False) -> DetectionEvent:
    detection = change.detection
    return DetectionEvent(
        node=node,
        state=change.kind,
        id=detection.id,
        source=source_of(detection.channel),
        channel=detection.channel,
        channels=detection.channel_names,
        levels_dbfs={heard.channel: round(heard.level_dbfs, 1) for heard in detection.channels},
        arrivals_ms={
            heard.channel: round(1000 * heard.arrival_s, 2)
            for heard in detection.channels
            if heard.arrival_s is not None
        },
        path=detection.path,
        start=detection.start,
        end=detection.end,
        peak_probability=round(detection.peak_probability, PROBABILITY_DIGITS),
        mean_probability=round(detection.mean_probability, PROBABILITY_DIGITS),
        windows=detection.windows,
        peak_scores=_rounded(detection.peak_scores),
        clip=detection.clip,
        shadow=shadow,
    )


def cascade_remarks(health: AnalyzerHealth) -> tuple[str, ...]:
    """What concerns a change of classifiers: those that are refused or promoted, and a shadow that does not work."""
    shadow = () if health.shadow is None else health.shadow.remarks
    return (*health.reload.remarks, *shadow)


def parse_jack_sources(data: Any) -> tuple[JackSource, ...]:
    """The sources of a JackSource event, a list or a single one. Raises RequestError."""
    entries = data if isinstance(data, list) else [data]
    if len(entries) > MOST_JACK_SOURCES:
        raise RequestError(f"A {JACK_SOURCE} event has {len(entries)} sources, more than {MOST_JACK_SOURCES}.")
    return tuple(parse(JackSource, entry) for entry in entries)


def jack_sources(source: SourceStatus) -> tuple[JackSource, ...]:
    """The stream manager's report on a source to the analyzer. Live streams are reported one by one, by their ports."""
    if source.live_streams:
        return tuple(
            JackSource(name=stream.port, starting_time=stream.started, rate_hz=stream.rate_hz)
            for stream in source.live_streams
        )
    if source.replay is None:
        return (JackSource(name=source.name, starting_time=source.started, rate_hz=source.rate_hz),)
    replay = source.replay
    return (
        JackSource(
            name=source.name,
            starting_time=replay.anchor_time,
            frame=replay.anchor_frame,
            is_recorded=True,
            rate_hz=source.rate_hz,
        ),
    )


def _listed(probabilities: Mapping[str, float]) -> dict[str, float]:
    """The probabilities that an event of a window lists."""
    if len(probabilities) <= MANY_CLASSES:
        return _rounded(probabilities)
    least = 0.5 * 10**-PROBABILITY_DIGITS
    return _rounded({label: value for label, value in probabilities.items() if value > least})


def _rounded(probabilities: Mapping[str, float]) -> dict[str, float]:
    return {label: round(float(value), PROBABILITY_DIGITS) for label, value in probabilities.items()}
