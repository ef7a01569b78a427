"""What a process that copies JACK ports reports to its parent, and its exit codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tidzam.jack.helper_protocol import HelperMessages

EXIT_NO_SERVER: Final = 3
EXIT_SERVER_GONE: Final = 4
EXIT_REFUSED: Final = 5
"""The server has no place for the client or its ports, or another client has its name."""
EXIT_NO_PORT: Final = 6
"""A port to copy does not exist, or has disappeared."""


@dataclass(frozen=True)
class CopyStatus:
    """JACK's sample rate, the frames that were copied so far, and those that JACK skipped."""

    jack_rate_hz: int
    copied_frames: int
    skipped_frames: int


MESSAGES: HelperMessages[CopyStatus] = HelperMessages(CopyStatus)
