"""When the recording of a live stream that has failed is tried again, and what its client learns meanwhile. Pure."""

from __future__ import annotations

from typing import Final

from tidzam.process import RestartPolicy

POLICY: Final = RestartPolicy(first_delay_s=1.0, max_delay_s=30.0, stable_after_s=60.0)


class RecordingRetry:
    """The attempts to record one stream. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._failures = 0
        self._began_s = self._due_s = 0.0
        self._known: str | None = None

    def is_due(self, now_s: float) -> bool:
        """Whether a recording may begin."""
        return now_s >= self._due_s

    def begin(self, now_s: float) -> None:
        """A recording begins."""
        self._began_s = now_s

    def fail(self, now_s: float) -> None:
        """The recording has failed: the next one has to wait, longer each time until one has lasted."""
        self._failures = POLICY.failures_after(self._failures, now_s - self._began_s)
        self._due_s = now_s + POLICY.delay_s(self._failures)

    def works(self) -> None:
        """Audio is being recorded, so that the client learns if that ends."""
        self._known = None

    def is_news(self, reason: str) -> bool:
        """Whether the client does not know yet that its audio is not recorded for this `reason`; it then does."""
        is_news, self._known = reason != self._known, reason
        return is_news
