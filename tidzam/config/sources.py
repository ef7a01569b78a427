"""The settings of a source: what it plays, how it is recorded, and where it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from tidzam.config.channels import ChannelNames, ChannelSelection
from tidzam.config.inputs import InputSettings
from tidzam.config.recording import RecordSettings
from tidzam.config.recordings import RecordingDate, TimeZoneName
from tidzam.config.section import Names, Section
from tidzam.config.signals import NoiseSettings, SilenceSettings, ToneSettings
from tidzam.naming import source_name

SourceName = Annotated[str, AfterValidator(source_name)]
MountMode = Literal["always", "on-demand"]


class DemoSettings(Section):
    """A soundscape to synthesize and play, in place of a URL."""

    scene: Literal["wetland"] = Field("wetland", description="Kind of soundscape")
    seed: int = Field(7, ge=0, description="Random seed; the same seed gives the same scene")
    duration_s: float = Field(120.0, ge=5, le=3600, description="Length of the scene in seconds; it is repeated")


OWN_PLAYERS = ("tone", "noise", "silence", "input")
"""The origins of a source that have a player of their own, of the same name."""
ORIGINS = ("url", "demo", *OWN_PLAYERS)
"""The settings of which a source has exactly one."""


class SourceSettings(Section):
    """A source that the node loads when it starts: an address or file to play, ports of a sound card, or a scene to
    synthesize."""

    name: SourceName = Field(description="1 to 59 letters, digits and `_ . -`; its JACK ports are NAME:out_0, …")
    url: str | None = Field(None, min_length=1, description="Address (http, https, rtsp, …) or path of a file")
    player: str = Field("auto", description="Name of the player; `auto` chooses a built-in one")
    outputs: Names | None = Field(
        None, description="Names of the outputs of its channels; by default `stream_manager.outputs`"
    )
    mounts: MountMode | None = Field(
        None, description="When its channels are encoded: always or on-demand; by default `icecast.mounts`"
    )
    demo: DemoSettings | None = Field(None, description="Scene to synthesize instead of a `url`")
    tone: ToneSettings | None = Field(None, description="Play a tone instead of a `url`, for checks")
    noise: NoiseSettings | None = Field(None, description="Play noise instead of a `url`, for checks")
    silence: SilenceSettings | None = Field(None, description="Play silence instead of a `url`, for checks")
    input: InputSettings | None = Field(
        None, description="Play capture ports of JACK's driver, such as those of a microphone"
    )
    record: RecordSettings | None = Field(None, description="Record it; by default, it is not recorded")
    path_database: Path | None = Field(
        None, description="Folder of its recordings, NAME-YYYY-MM-DD-HH-MM-SS.ogg, .opus, .wav or .flac"
    )
    database_prefix: str | None = Field(
        None, min_length=1, description="NAME in their file names; by default its own name or that of the folder"
    )
    database_time_zone: TimeZoneName = Field(
        "UTC", description="Time zone of the times in their file names, such as America/New_York"
    )
    database_file_length: float | None = Field(
        None, gt=0, description="Length of all recordings in seconds; by default, it is read from each file"
    )
    database: SourceName | None = Field(
        None, description="Source whose recordings are played from `date`, and then its live address"
    )
    date: RecordingDate | None = Field(None, description="Time in the recordings, in UTC unless it states a zone")
    nb_channels: int | None = Field(None, ge=1, le=256, description="Expected number of channels, verified on loading")
    channels: ChannelSelection | None = Field(
        None, description="Channels to load, in that order: numbers from 0, or names; by default all"
    )
    channel_names: ChannelNames = Field((), description="Names of its channels, from channel 0 on, for `channels`")
    is_permanent: bool = Field(True, description="Load it again when it ends or fails")
    loop: bool = Field(False, description="Repeat a file without a gap")
    format: Literal["ogg", "copy"] = Field(
        "ogg",
        description="`ogg`: each channel is a JACK port and an encoded mount; `copy`: the stream is pushed as it is to "
        "the one mount /NAME.ogg, without JACK",
    )

    @model_validator(mode="after")
    def _one_origin(self) -> SourceSettings:
        found = [name for name in ORIGINS if getattr(self, name) is not None]
        if len(found) > 1:
            raise ValueError(f"expected one of {', '.join(ORIGINS)}; found {' and '.join(found)}")
        if self.date is not None and self.database is None:
            raise ValueError("expected a database, whose recordings are played from the date")
        if not self.has_origin and self.database is None:
            raise ValueError(f"expected one of {', '.join(ORIGINS)}, a database, or a player that needs none")
        if found and found[0] in OWN_PLAYERS and self.player not in ("auto", found[0]):
            raise ValueError(f"the player {self.player} cannot play {found[0]}; leave `player` out")
        if self.player in OWN_PLAYERS and self.player not in found:
            raise ValueError(f"the player {self.player} plays what the setting `{self.player}` describes; add it")
        if self.format == "copy" and self.record is not None:
            raise ValueError("a source with format copy is not decoded and cannot be recorded")
        return self

    @model_validator(mode="after")
    def _copies_all_of_a_url(self) -> SourceSettings:
        if self.format != "copy":
            return self
        if self.url is None:
            raise ValueError("format copy needs a url")
        if self.date is not None:
            raise ValueError("format copy cannot replay recordings from a date; they are decoded")
        choices = {"channels": self.channels, "outputs": self.outputs, "player": self.player.removeprefix("auto")}
        if chosen := [name for name, value in choices.items() if value]:
            raise ValueError(f"format copy pushes all of the stream as it is; remove {', '.join(chosen)}")
        return self

    @property
    def has_origin(self) -> bool:
        """Whether it has something to play by itself, apart from recordings."""
        return self.player != "auto" or any(getattr(self, name) is not None for name in ORIGINS)

    @property
    def player_name(self) -> str:
        """The player that is named, or that of its origin; `auto` if there are several to choose from."""
        return next((name for name in OWN_PLAYERS if getattr(self, name) is not None), self.player)
