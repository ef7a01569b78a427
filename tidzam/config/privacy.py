"""Settings of privacy: how speech is detected, and what happens to clips and recordings that hold some."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from tidzam.config.section import Names, Section
from tidzam.extensions import Registry

SPEECH_DETECTORS: Final = Registry(
    "tidzam.speech_detectors",
    "speech detector",
    {
        "silero-vad": "tidzam.speech.silero:SileroDetector",
        "class": "tidzam.speech.class_detector:ClassDetector",
    },
)
"""All speech detectors by the name that `analyzer.privacy.detector` selects."""

PrivacyAction = Literal["drop", "mute"]
PrivacyScope = Literal["source", "channel"]


def _known(name: str) -> str:
    if name not in SPEECH_DETECTORS.names():
        known = ", ".join(SPEECH_DETECTORS.names())
        raise ValueError(f"there is no such {SPEECH_DETECTORS.kind}; the known ones are {known}")
    return name


SpeechDetectorName = Annotated[str, AfterValidator(_known)]


class PrivacySettings(Section):
    """What is not kept where a person speaks: clips of the analyzer, and seconds of the stream manager's recordings."""

    detector: SpeechDetectorName | None = Field(
        None,
        description="What detects speech: `silero-vad` (`tidzam models add silero-vad`), `class` (the classifiers) or "
        "an installed one; by default nothing does, and all is kept",
    )
    action: PrivacyAction = Field(
        "drop",
        description="`drop`: no clip with speech is kept; `mute`: it is kept with silence in place of speech. "
        "Recordings are always muted",
    )
    margin_s: float = Field(
        1.0, ge=0, le=10, description="Seconds before and after speech that are treated like speech"
    )
    scope: PrivacyScope = Field(
        "source",
        description="Whether speech counts for all channels of its `source`, whose microphones hear the same person, "
        "or only for its own `channel`",
    )
    threshold: float | None = Field(
        None,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="Probability from which something is speech; by default 0.3 with `silero-vad` (its mean over half "
        "a second) and 0.5 with `class`",
    )
    classes: Names = Field(
        (), description="Classes of the classifiers that are speech, with the detector `class`: names or globs"
    )
    report_wait_s: float = Field(
        10.0,
        ge=0,
        le=600,
        description="Seconds that a complete recording waits for the analyzer's report on all of it; then the stream "
        "manager detects speech in the file itself",
    )

    @model_validator(mode="after")
    def _classes_fit(self) -> PrivacySettings:
        if self.detector == "class" and not self.classes:
            raise ValueError("the detector class needs classes: those that are speech")
        if self.detector != "class" and self.classes:
            raise ValueError("classes are for the detector class")
        return self

    @property
    def is_active(self) -> bool:
        """Whether speech is detected at all."""
        return self.detector is not None
