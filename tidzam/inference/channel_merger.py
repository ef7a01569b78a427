"""One call that several channels of a source hear becomes one detection, with the differences of its arrival times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Final

from tidzam.audio.arrival import ArrivalDifference, arrival_differences
from tidzam.config.detections import DetectionSettings
from tidzam.naming import is_live_port, source_of
from tidzam.results import AnalyzedBatch, Detection, DetectionChange, WindowBatch, highest_scores
from tidzam.values import changed

MOST_COMPARED: Final = 8
"""The channels of a detection, the loudest first, whose arrival times are compared."""
_MOST_MEASUREMENTS: Final = 3
"""How many windows are compared for one channel; the clearest counts."""
_ORDER: Final = {"end": 0, "update": 1, "start": 2}


@dataclass
class _Call:
    """A detection on one or several channels: the latest part on each channel, and the channels that have not ended.

    `arrivals` holds what was measured against the channel of the first part.
    """

    first: Detection
    place: str
    parts: dict[str, Detection]
    open: set[str]
    arrivals: dict[str, ArrivalDifference] = field(default_factory=dict)
    measurements: dict[str, int] = field(default_factory=dict)

    def merged(self) -> Detection:
        """The detection as it is reported: with the id of the first part, and what all parts hold together."""
        if len(self.parts) == 1:
            return self.parts[self.first.channel]
        parts = self.loudest()
        windows = sum(part.windows for part in parts)
        return changed(
            self.first,
            start=min(part.start for part in parts),
            end=max(part.end for part in parts),
            peak_probability=max(part.peak_probability for part in parts),
            mean_probability=sum(part.mean_probability * part.windows for part in parts) / windows,
            windows=windows,
            peak_scores=highest_scores(*(part.peak_scores for part in parts)),
            channels=tuple(changed(part.channels[0], arrival_s=self._arrival_s(part, parts[0])) for part in parts),
        )

    def loudest(self) -> list[Detection]:
        """The parts, the loudest first."""
        return sorted(self.parts.values(), key=_quietness)

    def _arrival_s(self, part: Detection, reference: Detection) -> float | None:
        if part is reference:
            return 0.0
        own_s, reference_s = self._delay_s(part.channel), self._delay_s(reference.channel)
        return None if own_s is None or reference_s is None else own_s - reference_s

    def _delay_s(self, channel: str) -> float | None:
        if channel == self.first.channel:
            return 0.0
        return self.arrivals[channel].delay_s if channel in self.arrivals else None

    def to_measure(self, rows: Mapping[str, int]) -> list[str]:
        """Of the channels in `rows`, which agree in this window, those whose arrival is to be compared with the first
        one's. They are counted as measured."""
        if self.first.channel not in rows:
            return []
        chosen = []
        for part in self.loudest()[:MOST_COMPARED]:
            channel, done = part.channel, self.measurements.get(part.channel, 0)
            if channel != self.first.channel and channel in rows and done < _MOST_MEASUREMENTS:
                self.measurements[channel] = done + 1
                chosen.append(channel)
        return chosen

    def note(self, channel: str, found: ArrivalDifference | None) -> None:
        """Keep the clearest measurement of a channel."""
        known = self.arrivals.get(channel)
        if found is not None and (known is None or found.clarity > known.clarity):
            self.arrivals[channel] = found


class ChannelMerger:
    """Merges the detections of single channels. Batches come in the order of their time.

    Detections of one class that begin within `settings.same_call_s` of one another, on different channels of one
    source, are one call. It starts with the first of them, is updated as others join, and ends when all have ended; its
    end is held back while another channel of the source may still join. Live streams share a source, but not a place:
    they are not merged.
    """

    def __init__(self, settings: DetectionSettings) -> None:
        self._settings = settings
        self._reach = timedelta(seconds=settings.same_call_s)
        self._calls: dict[str, _Call] = {}
        """Calls by the id of their first part."""
        self._call_of: dict[str, str] = {}
        """The id of a call by the id of each of its parts."""

    def follow(self, analyzed: AnalyzedBatch) -> AnalyzedBatch:
        """The same batch with merged detections."""
        if not self._settings.same_call_s:
            return analyzed
        begun = set(self._calls)
        agreeing: dict[str, list[str]] = {}
        for change in sorted(analyzed.detections, key=_order):
            key = self._take(change)
            agreeing.setdefault(key, []).extend([] if change.kind == "end" else [change.detection.channel])
        self._measure(analyzed.batch, agreeing)
        changes = self._ended(analyzed.batch)
        for key in agreeing:
            call = self._calls.get(key)
            if call is not None and call.open:
                changes.append(DetectionChange("update" if key in begun else "start", call.merged()))
        return changed(analyzed, detections=tuple(changes))

    def _take(self, change: DetectionChange) -> str:
        """Add a change of one channel to its call. Returns the id of that."""
        part = change.detection
        key = self._call_of.get(part.id)
        if key is None:
            key = self._call_of[part.id] = self._joined(part) or part.id
        call = self._calls.setdefault(key, _Call(part, _place(part.channel), {}, set()))
        call.parts[part.channel] = part
        (call.open.discard if change.kind == "end" else call.open.add)(part.channel)
        return key

    def _joined(self, part: Detection) -> str | None:
        """The call that a new detection of one channel belongs to."""
        place = _place(part.channel)
        for key, call in self._calls.items():
            alike = call.place == place and call.first.label == part.label and part.channel not in call.parts
            if alike and abs(part.start - call.first.start) <= self._reach:
                return key
        return None

    def _measure(self, batch: WindowBatch, agreeing: dict[str, list[str]]) -> None:
        rows = {channel: row for row, channel in enumerate(batch.channels) if not batch.gap_frames[row]}
        wanted: list[tuple[_Call, str]] = []
        for key, channels in agreeing.items():
            call = self._calls[key]
            if len(call.parts) > 1:
                wanted += ((call, one) for one in call.to_measure({c: rows[c] for c in channels if c in rows}))
        if wanted:
            pairs = [(rows[call.first.channel], rows[channel]) for call, channel in wanted]
            max_s = self._settings.max_arrival_ms / 1000
            found = arrival_differences(batch.samples, pairs, batch.rate_hz, max_s=max_s)
            for (call, channel), difference in zip(wanted, found, strict=True):
                call.note(channel, difference)

    def _ended(self, batch: WindowBatch) -> list[DetectionChange]:
        """The ends of the calls that no channel can continue."""
        over = [key for key, call in self._calls.items() if not call.open and not self._may_grow(call, batch)]
        ended = []
        for key in over:
            call = self._calls.pop(key)
            for part in call.parts.values():
                self._call_of.pop(part.id, None)
            ended.append(DetectionChange("end", call.merged()))
        return ended

    def _may_grow(self, call: _Call, batch: WindowBatch) -> bool:
        """Whether a later window of another channel can still join a call."""
        times = [
            start
            for channel, start in zip(batch.channels, batch.starts, strict=True)
            if _place(channel) == call.place and channel not in call.parts
        ]
        if not times:
            return False
        window_s = batch.samples.shape[1] / batch.rate_hz
        late = timedelta(seconds=(self._settings.min_windows - 1) * window_s)  # it is reported with its last window
        return call.first.start <= max(times) < call.first.start + self._reach + late


@lru_cache(maxsize=4096)
def _place(channel: str) -> str:
    """Channels of one place may hear one call."""
    return channel if is_live_port(channel) else source_of(channel)


def _quietness(part: Detection) -> float:
    return -part.channels[0].level_dbfs


def _order(change: DetectionChange) -> tuple[int, float]:
    """Ends first, and starts by level, so that a call is named after its loudest channel."""
    return _ORDER[change.kind], _quietness(change.detection) if change.kind == "start" else 0.0
