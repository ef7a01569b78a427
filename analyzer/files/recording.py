"""The place of an audio file in time, and its channels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tidzam.audio.files import AudioFile
from tidzam.audio.recording_time import TimeRules, recording_time
from tidzam.errors import AudioError
from tidzam.naming import port_name, recording_source
from tidzam.recording_names import stem_of
from tidzam.text import shown

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class AnalyzedFile:
    """The place of an audio file in time, and the channels of it that are analyzed.

    `names` maps the channels, called as their JACK ports would be, to their numbers in the file. In a file whose date
    is unknown (not `dated`), times count from the epoch. `time_source` says where the date was read.
    """

    rate_hz: int
    start: datetime
    dated: bool
    names: dict[str, int]
    time_source: str = ""

    @classmethod
    def of(
        cls, audio: AudioFile, channel: int | None, rules: TimeRules | None = None, *, source: str = ""
    ) -> AnalyzedFile:
        """The recording is called `source`, or as its file name says, without the date; its time is read by `rules`.

        Raises AudioError (`channel`) if the file has no such channel.
        """
        if channel is not None and channel >= audio.channels:
            has = "one channel, 0" if audio.channels == 1 else f"{audio.channels} channels, 0 to {audio.channels - 1}"
            raise AudioError(
                f"{shown(audio.path)} has {has}; there is no channel {channel}.",
                hint="Choose one with -c, or leave it out for all.",
                code="channel",
            )
        time = recording_time(audio.path, rules or TimeRules())
        name = recording_source(source or time.name or stem_of(audio.path))
        numbers = range(audio.channels) if channel is None else [channel]
        names = {port_name(name, number): number for number in numbers}
        return cls(audio.rate_hz, time.start or EPOCH, time.start is not None, names, time.source)

    def time_of(self, frame: int) -> datetime:
        """The time at which a frame of the file begins."""
        return self.start + timedelta(seconds=frame / self.rate_hz)

    def seconds(self, time: datetime) -> float:
        """Seconds from the beginning of the file, exact to a frame."""
        return round((time - self.start).total_seconds() * self.rate_hz) / self.rate_hz
