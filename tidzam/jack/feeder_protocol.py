"""What a feeder process is asked for on its command line, and what it reports to its parent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tidzam.jack.helper_protocol import HelperMessages

EXIT_NO_SERVER = 3
EXIT_SERVER_GONE = 4
EXIT_REFUSED = 5
"""The server has no place for the client or its ports, or another client has its name."""


class Pacing(StrEnum):
    """Who sets the pace of the audio.

    `PULL` is for media that wait, such as files: the writer is blocked by back-pressure, and nothing is ever dropped.
    `PUSH` is for live media, whose writer has a clock of its own: audio is buffered before it is played, and the
    difference of the two clocks is corrected by resampling.
    """

    PULL = "pull"
    PUSH = "push"


@dataclass(frozen=True)
class FeederStatus:
    """What a feeder has done so far. Frames are those of JACK unless stated otherwise.

    `jack_rate_hz`: JACK's sample rate; 0 before the feeder has reached the server. `first_frame`: the JACK frame time
    (32 bits) at which the first sample was played; None before. `frame`: the frame time at which the sample number
    `played_frames` is due, so that this pair tells when a sample is played. `played_frames`: samples of each channel
    that were played, without the silence in between. `received_frames`: frames received, at the rate of the input.
    `buffered_s`: seconds of audio that wait to be played. `underruns`, `underrun_frames`: how often, and for how many
    frames, silence was played because no audio was there. `overruns`: how often the buffer was full and a writer with a
    clock of its own had to wait. `skipped_frames`: frames that JACK did not ask for. `drift_ppm`: by how much the
    writer's clock is faster than that of JACK (negative: slower), in parts per million; None while it is not known.
    `correction_ppm`: by how much the audio is played faster than it was received, at present. `starving`: silence is
    being played because no audio is there.
    """

    jack_rate_hz: int = 0
    first_frame: int | None = None
    frame: int | None = None
    played_frames: int = 0
    received_frames: int = 0
    buffered_s: float = 0.0
    underruns: int = 0
    underrun_frames: int = 0
    overruns: int = 0
    skipped_frames: int = 0
    drift_ppm: float | None = None
    correction_ppm: float = 0.0
    starving: bool = False


MESSAGES: HelperMessages[FeederStatus] = HelperMessages(FeederStatus)
