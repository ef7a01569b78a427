"""Which window is due: the windows of all channels start together, one every hop in JACK frames. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Due:
    """A complete window, and the number of windows skipped before it."""

    start: int
    skipped: int


@dataclass(frozen=True)
class WindowSchedule:
    """Windows of `window` frames that start every `hop` frames, at multiples of it unless their length has changed.

    In front of each, `before` frames are kept for classifiers with longer windows.
    """

    window: int
    hop: int
    before: int = 0

    @classmethod
    def of(cls, rate_hz: int, *, window_s: float, overlap: float, longest_s: float = 0.0) -> WindowSchedule:
        """Consecutive windows share the fraction `overlap` (0 ≤ overlap < 1) of their length.

        `longest_s` is the length of the longest windows that end with them.
        """
        window = round(window_s * rate_hz)
        before = max(0, round(longest_s * rate_hz) - window)
        return cls(window, max(1, round(window * (1 - overlap))), before)

    @property
    def longest(self) -> int:
        """Frames of the longest windows."""
        return self.before + self.window

    def start_from(self, frame: int) -> int:
        """The first window that starts at `frame` or later."""
        return -(-frame // self.hop) * self.hop

    def due(self, start: int, written_until: int, *, max_lag: int) -> Due | None:
        """The window at `start`, once it is written; a later one if that has been complete for over `max_lag` frames.

        A reader that falls behind skips to the newest complete window, so that the lag never exceeds `max_lag`.
        """
        behind = written_until - (start + self.window)
        if behind < 0:
            return None
        skipped = behind // self.hop if behind > max_lag else 0
        return Due(start + skipped * self.hop, skipped)
