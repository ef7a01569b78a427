"""The settings of files that are analyzed: how the time of a recording is read."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from tidzam.config.recordings import TimeZoneName
from tidzam.config.section import Names, Section
from tidzam.recording_names import compile_pattern


def _patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        try:
            compile_pattern(pattern)
        except ValueError as error:
            raise ValueError(f"{pattern!r} is not a pattern of file names: {error}") from None
    return patterns


NamePatterns = Annotated[Names, AfterValidator(_patterns)]


class FileSettings(Section):
    """Audio files that are analyzed."""

    time_zone: TimeZoneName = Field(
        "UTC", description="Time zone of recordings whose name and metadata state none, such as Europe/Paris"
    )
    name_patterns: NamePatterns = Field(
        (),
        description="Additional patterns of file names with a date, such as `*_%d.%m.%Y_%Hh%M`; they are tried before "
        "the known ones",
    )
