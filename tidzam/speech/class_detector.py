"""Speech as classes of the classifiers, for those that were trained on voices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import ClassVar, Final

from tidzam.config.privacy import PrivacySettings
from tidzam.errors import ConfigError
from tidzam.results import Analysis, WindowBatch
from tidzam.speech.base import DetectorContext
from tidzam.speech.new_audio import NewAudioFinder
from tidzam.speech_times import Interval, Judgment, clipped, merged
from tidzam.suggest import did_you_mean

DEFAULT_THRESHOLD: Final = 0.5


@dataclass(frozen=True)
class _Heard:
    """Of a channel: up to where it is judged, where its audio ends, and up to where all classifiers have heard it;
    `speech` is that after `judged`."""

    judged: int
    end: int
    classified: int
    speech: tuple[Interval, ...] = ()


class ClassDetector:
    """A window is speech, all of it, if one of the classes reaches the threshold.

    It is, too, if a classifier could not run on it and one of the classes has no probability: nobody knows then. In a
    cascade with windows of several lengths, every window is taken to be as long as the longest. A frame is judged once
    no later window can hold it. Where audio ends before a classifier with longer windows has heard the last of it, the
    last of it is speech.
    """

    needs_classifiers: ClassVar[bool] = True

    def __init__(self, settings: PrivacySettings, context: DetectorContext) -> None:
        """Raises ConfigError (`unknown_class`) for a class that does not exist."""
        self._names = settings.classes
        self._threshold = DEFAULT_THRESHOLD if settings.threshold is None else settings.threshold
        self.use(context)
        self._audio = NewAudioFinder()
        self._open: dict[str, _Heard] = {}

    def use(self, context: DetectorContext) -> None:
        """Look for the classes among those of other classifiers. Raises ConfigError (`unknown_class`)."""
        self._classes = frozenset(label for name in self._names for label in _resolved(name, context))
        self._window_s = context.window_s

    def follow(self, batch: WindowBatch, analyses: Sequence[Analysis]) -> list[Judgment]:
        judged = [self._end(name) for name in self._audio.ended(batch)]
        first, end = batch.start_frame, batch.start_frame + batch.samples.shape[1]
        start = min(first, end - round(self._window_s * batch.rate_hz))
        list(self._audio.follow(batch))  # it notes where the audio of each channel ends
        for channel, analysis in zip(batch.channels, analyses, strict=True):
            known = self._open.get(channel, _Heard(first, first, first))
            until, reached = max(known.judged, start), max(known.end, end)  # a longer window may have reached further
            judged.append(_judgment(channel, known.judged, until, known.speech))
            rest = clipped(known.speech, until, reached)
            if self._is_speech(analysis):
                rest = merged((*rest, (until, end)))
            age = round(max(analysis.ages_s.values(), default=0.0) * batch.rate_hz)
            self._open[channel] = _Heard(until, reached, known.classified if analysis.waiting else end - age, rest)
        return judged

    def finish(self) -> list[Judgment]:
        return [self._end(name) for name in list(self._open)]

    def _end(self, channel: str) -> Judgment:
        heard = self._open.pop(channel)
        unknown = clipped([(heard.classified, heard.end)], heard.judged, heard.end)
        speech = merged((*heard.speech, *unknown))
        return _judgment(channel, heard.judged, heard.end, speech, has_ended=True)

    def _is_speech(self, analysis: Analysis) -> bool:
        found = analysis.probabilities
        if analysis.left_out and not self._classes <= found.keys():
            return True
        return any(found.get(label, 0.0) >= self._threshold for label in self._classes)


def _judgment(channel: str, start: int, end: int, speech: Sequence[Interval], *, has_ended: bool = False) -> Judgment:
    inside = tuple((first, min(last, end)) for first, last in speech if first < end)
    return Judgment(channel, start, end, inside, has_ended)


def _resolved(name: str, context: DetectorContext) -> list[str]:
    found = [label for label in context.labels if label == name or fnmatchcase(label, name)]
    if not found:
        raise ConfigError(
            f"analyzer.privacy.classes names {name!r}, which is no class of the classifiers.",
            hint=f"{did_you_mean(name, list(context.labels))}Use a label, or a glob that matches some.",
            code="unknown_class",
        )
    return found
