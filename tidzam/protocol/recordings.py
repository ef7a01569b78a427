"""Recordings in messages: the state of a recording, which recordings there are, and what is replayed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, PlainSerializer

from tidzam.protocol.messages import Message, WireTime
from tidzam.times import whole_seconds

SecondTime = Annotated[WireTime, PlainSerializer(whole_seconds, return_type=str)]
"""`YYYY-MM-DD-HH-MM-SS`, in UTC."""


class RecordingState(StrEnum):
    """A recording is `waiting` while the source sends no audio, and `paused` because of a fault, such as a full disk.

    It is `starting` until the recorder has reported its state, and `off` if it is switched off.
    """

    OFF = "off"
    STARTING = "starting"
    WAITING = "waiting"
    RECORDING = "recording"
    PAUSED = "paused"


class RecordingStatus(Message):
    """The recording of a source. Numbers count from the start of the stream manager."""

    on: bool = Field(description="Whether it is switched on")
    state: RecordingState = Field(description="What the recorder does at present")
    folder: str = Field(description="Folder of the recordings")
    files: int = Field(description="Complete files")
    bytes: int = Field(description="Size of what was recorded, including the file in progress")
    seconds: float = Field(description="Length of what was recorded in seconds, including the file in progress")
    lost_seconds: float = Field(description="Seconds of audio that could not be recorded")
    failures: int = Field(description="How often recording was interrupted or a file could not be completed")
    last_file: str | None = Field(description="The file that was completed last")
    problem: str | None = Field(description="Why it is paused, and what to do")
    retention: str | None = Field(
        None, description="What looks wrong about the dates of recordings, and which are kept longer because of it"
    )
    held: int = Field(0, description="Complete files that are held back until speech in them is muted")
    muted_seconds: float = Field(0.0, description="Seconds of recordings that were muted, margins included")
    dropped_segments: int = Field(0, description="Segments that were not kept because of speech")
    privacy_problem: str | None = Field(None, description="Why files are held back for longer")


class ListDatabases(Message):
    """List the recordings of all sources, or of one."""

    name: Annotated[str, Field(max_length=256)] = Field("", description="Name of the source; empty for all")


class Database(Message):
    """The recordings of a source. Recordings that follow one another are one period."""

    nb_channels: int = Field(description="Number of channels of the newest recording; 0 if it is unknown")
    database: tuple[tuple[SecondTime, SecondTime], ...] = Field(description="Start and end of each period, in UTC")


class DatabaseList(Message):
    """The response to ListDatabases, under `sys`."""

    database: dict[str, Database] = Field(description="By name of the source")


class ReplayStatus(Message):
    """What a source replays."""

    database: str = Field(description="Name of the source whose recordings are replayed")
    time: datetime = Field(description="The time in the recordings that is being played, or will be next")
    file: str | None = Field(None, description="Name of the recording that is being played")
    holes: int = Field(0, description="Holes in the recordings that were skipped so far")
    skipped_s: float = Field(0.0, description="Duration of these holes in seconds")
    anchor_frame: int | None = Field(None, description="A frame of the JACK server's clock, 0 to 4294967295")
    anchor_time: datetime | None = Field(None, description="The time in the recordings that is played at that frame")
