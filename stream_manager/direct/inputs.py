"""The interface of what a direct recorder takes audio from."""

from __future__ import annotations

from typing import Protocol

from tidzam.types import Float32


class InputError(Exception):
    """A source cannot be opened, or has failed; the text is the reason. `is_final`: it is not tried again."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


class DirectInput(Protocol):
    """An open source. One thread calls all methods; none of them waits."""

    rate_hz: int
    channels: int

    @property
    def is_live(self) -> bool:
        """Whether its frames come at a pace of their own, and are gone if they are not taken."""
        ...

    @property
    def target_s(self) -> float:
        """How many seconds of it should be waiting, to even out how irregularly it comes."""
        ...

    def waiting(self) -> int:
        """The number of frames that `take` would return at most. Raises InputError if it has ended or failed."""
        ...

    def take(self, frames: int) -> Float32:
        """The next frames, float32 (at most `frames`, channels)."""
        ...

    def close(self) -> None:
        """End it. Takes a few seconds at most."""
        ...
