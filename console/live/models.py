"""What browsers are sent while they show the present."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from console.services.models import ConsoleModel


class ClassProbability(ConsoleModel):
    """A class and how likely it is in a window."""

    name: str = Field(description="Name of the class")
    probability: float = Field(description="Its probability, 0 to 1")
    is_detected: bool = Field(description="Whether the decision rule chose it")


class LiveChannel(ConsoleModel):
    """What was last heard of a channel. Without a recent analysis, its classes are not known."""

    port: str = Field(description="JACK port")
    level_dbfs: float | None = Field(description="RMS level in dBFS; null while it is unknown")
    time: datetime | None = Field(description="End of the window that was analyzed, UTC; null without a recent one")
    classes: tuple[ClassProbability, ...] = Field(
        description="The likeliest classes, the likeliest first; parents of detected ones are left out"
    )
    has_gap: bool = Field(description="Whether a part of the window was lost")


class LiveDetection(ConsoleModel):
    """A detection that has just begun, goes on, or has ended."""

    id: str = Field(description="Its channel, class and start, which no other detection has together")
    is_open: bool = Field(description="Whether it goes on")
    source: str = Field(description="Name of the source")
    channel: str = Field(description="JACK port; of several, the loudest one")
    path: tuple[str, ...] = Field(description="The class and its parents, from the root")
    start: datetime = Field(description="Start of its first window, UTC")
    end: datetime = Field(description="End of its last window so far, UTC")
    probability: float = Field(description="The highest probability of the class in a window")


class LiveUpdate(ConsoleModel):
    """What has changed since the previous update; the first one has all there is."""

    time: datetime = Field(description="When it was sent, UTC")
    layout: str = Field(description="Differs from the previous one if sources, channels or their states have changed")
    remarks: tuple[str, ...] = Field(description="What is wrong with the node at present, and what to do")
    channels: tuple[LiveChannel, ...] = Field(description="Channels of which something else is heard")
    detections: tuple[LiveDetection, ...] = Field(description="Detections that began, went on or ended, oldest first")
