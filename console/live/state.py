"""What is known of the present, and what of it has changed since a version. Pure, on a clock that is given to it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from console.live.layout import NowSource, now_sources
from console.live.models import ClassProbability, LiveChannel, LiveDetection, LiveUpdate
from console.services.node_state import NodeView
from tidzam.labels import is_no_sound
from tidzam.protocol.analyzer import AnalysisEvent, DetectionEvent

CLASSES: Final = 4
"""How many of the likeliest classes of a channel are shown."""
MOST_DETECTIONS: Final = 50
"""How many of the last detections are kept."""
MOST_CHANNELS: Final = 1024
STALE_S: Final = 10.0
"""An analysis counts as recent for this long, or for three windows if that is longer."""
EVENTS_AWAY: Final = "The analyzer sends no events. What the channels hold is shown again when it does."


@dataclass(frozen=True)
class _LastAnalysis:
    """The last analysis of a channel, when it changed and until when it is recent."""

    version: int
    channel: LiveChannel
    until_s: float


class LiveState:
    """The last analysis of each channel, the last detections and the state of the node.

    Every change has a number, so that each browser gets what has changed since the last one that it knows, and nothing
    is kept per browser.
    """

    def __init__(self, view: NodeView, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._view = view
        self._is_connected = False
        self._version = self._levels_version = 0
        self._heard: dict[str, _LastAnalysis] = {}
        self._detections: dict[str, tuple[int, LiveDetection]] = {}
        self._sources = now_sources(view, ())
        self._layout = _digest(self._sources)

    @property
    def version(self) -> int:
        """The number of the last change."""
        return self._version

    @property
    def sources(self) -> tuple[NowSource, ...]:
        """The sources and channels. May be read from any thread."""
        return self._sources

    @property
    def layout(self) -> str:
        """A digest of `sources`."""
        return self._layout

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is wrong with the programs, and what to do."""
        programs = tuple(reason for program in self._view.programs for reason in program.reasons)
        return programs if self._is_connected or programs else (EVENTS_AWAY,)

    def set_connected(self, is_connected: bool) -> None:
        """Whether the analyzer sends events. Without them, nothing is known of the channels."""
        if is_connected != self._is_connected:
            self._is_connected = is_connected
            self._version += 1
        if not is_connected:
            self._forget(set(self._heard))

    def set_node(self, view: NodeView) -> None:
        """The state of the node, found out again; what is no longer recent is forgotten."""
        before = self.remarks, self._levels()
        self._view = view
        now_s = self._clock()
        self._forget({port for port, heard in self._heard.items() if heard.until_s < now_s})
        self._set_layout()
        if before != (self.remarks, self._levels()):
            self._version = self._levels_version = self._version + 1

    def add_analysis(self, event: AnalysisEvent) -> None:
        """A window of a channel was analyzed."""
        window_s = (event.end - event.start).total_seconds()
        is_new = event.channel not in self._heard
        if is_new and len(self._heard) >= MOST_CHANNELS:
            return
        self._version += 1
        until_s = self._clock() + max(STALE_S, 3 * window_s)
        self._heard[event.channel] = _LastAnalysis(self._version, _channel(event), until_s)
        if is_new:
            self._set_layout()

    def add_detection(self, event: DetectionEvent) -> None:
        """A detection began, goes on or has ended. Silence is ignored."""
        if is_no_sound(event.path):
            return
        detection = _detection(event)
        self._version += 1
        self._detections[detection.id] = self._version, detection
        while len(self._detections) > MOST_DETECTIONS:
            del self._detections[next(iter(self._detections))]

    def detections(self) -> tuple[LiveDetection, ...]:
        """The last detections, the oldest first. May be read from any thread."""
        return tuple(detection for _, detection in list(self._detections.values()))

    def update(self, since: int, now: datetime) -> LiveUpdate:
        """What has changed since the version `since`; -1 for everything. May be called from any thread."""
        last, detected = dict(self._heard), list(self._detections.values())
        levels = self._levels() if self._levels_version > since else {}
        channels = tuple(heard.channel for heard in last.values() if heard.version > since)
        unheard = tuple(
            LiveChannel(port=port, level_dbfs=level, time=None, classes=(), has_gap=False)
            for port, level in levels.items()
            if port not in last
        )
        detections = tuple(detection for version, detection in detected if version > since)
        return LiveUpdate(
            time=now,
            layout=self._layout,
            remarks=self.remarks,
            channels=channels + unheard,
            detections=detections,
        )

    def _levels(self) -> dict[str, float | None]:
        """The level of each channel, as the stream manager has measured it."""
        return {channel.port: channel.level_dbfs for source in self._view.sources for channel in source.channels}

    def _forget(self, ports: set[str]) -> None:
        if ports:
            self._heard = {port: heard for port, heard in self._heard.items() if port not in ports}
            self._version = self._levels_version = self._version + 1
            self._set_layout()

    def _set_layout(self) -> None:
        self._sources = now_sources(self._view, tuple(self._heard))
        layout = _digest(self._sources)
        if layout != self._layout:
            self._layout = layout
            self._version += 1


def detection_id(channel: str, path: tuple[str, ...], start: datetime) -> str:
    """The id of a detection for browsers: the store, which has ids of its own, gives the same."""
    return f"{channel} {'/'.join(path)} {start.timestamp():.3f}"


def _channel(event: AnalysisEvent) -> LiveChannel:
    parents = {name for path in event.paths for name in path[:-1]}  # they are as likely, and say less
    found = [item for item in event.predictions.items() if item[0] not in parents]
    likeliest = sorted(found, key=lambda item: (-item[1], item[0]))[:CLASSES]
    return LiveChannel(
        port=event.channel,
        level_dbfs=event.level_dbfs,
        time=event.end,
        classes=tuple(
            ClassProbability(name=name, probability=round(probability, 3), is_detected=name in event.result)
            for name, probability in likeliest
        ),
        has_gap=event.gap_frames > 0,
    )


def _detection(event: DetectionEvent) -> LiveDetection:
    return LiveDetection(
        id=detection_id(event.channel, event.path, event.start),
        is_open=event.state != "end",
        source=event.source,
        channel=event.channel,
        path=event.path,
        start=event.start,
        end=event.end,
        probability=round(event.peak_probability, 3),
    )


def _digest(sources: tuple[NowSource, ...]) -> str:
    return hashlib.sha256(repr(sources).encode()).hexdigest()[:16]
