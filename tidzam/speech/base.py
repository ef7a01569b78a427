"""The contract of a speech detector, and how one is made from settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from tidzam.config.privacy import SPEECH_DETECTORS, PrivacySettings
from tidzam.labels import LabelTree
from tidzam.results import Analysis, WindowBatch
from tidzam.speech_times import Judgment


class SpeechDetector(Protocol):
    """Says where a person speaks. It keeps the state of each channel from batch to batch.

    `follow` is called with every batch of windows and their analyses, in order. Windows may overlap, and channels may
    come and go. The audio of a channel that a batch leaves out, or whose window begins after the end of its last one,
    has ended, and what follows is other audio; so it is for all channels if the frames do not increase.

    A detector judges all audio once, in order and without holes; it may take some windows until it has. A judgment
    is final. When the audio of a channel ends, the rest of it is judged, with `has_ended`: by the next `follow`, or by
    `finish` if no more windows will come. The same audio gives the same judgments, however it is cut into windows.
    """

    def follow(self, batch: WindowBatch, analyses: Sequence[Analysis]) -> list[Judgment]: ...

    def finish(self) -> list[Judgment]: ...


@runtime_checkable
class FollowsClassifiers(Protocol):
    """A detector that depends on the classes of the classifiers. Others may take over between two windows."""

    def use(self, context: DetectorContext) -> None:
        """Detect speech by other classifiers from the next batch on.

        Raises TidzamError if that is impossible: then nothing changes, and those classifiers do not take over.
        """


@dataclass(frozen=True, kw_only=True)
class DetectorContext:
    """What a detector may need besides its settings: the classes of the classifiers, the longest of their windows, and
    the node's home (None for the default one), which holds models."""

    labels: LabelTree
    window_s: float = 1.0
    home: Path | None = None


class SpeechDetectorFactory(Protocol):
    """What a name in the registry `tidzam.speech_detectors` refers to: usually the class of a detector.

    `needs_classifiers`: it depends on the analyses. Otherwise it may be given none, and no labels. Calling it raises
    TidzamError if it cannot detect speech: then the program does not start.
    """

    needs_classifiers: ClassVar[bool]

    def __call__(self, settings: PrivacySettings, context: DetectorContext) -> SpeechDetector: ...


def make_detector(settings: PrivacySettings, context: DetectorContext) -> SpeechDetector | None:
    """The detector that the settings ask for; None if they ask for none.

    Raises ConfigError (`broken_extension`) if it cannot be made, and the errors of its factory.
    """
    if settings.detector is None:
        return None
    detector: SpeechDetector = SPEECH_DETECTORS.create(
        settings.detector, settings, context, hint="Check analyzer.privacy."
    )
    return detector
