"""The contracts of what live analysis runs on the windows that it captures."""

from __future__ import annotations

from typing import Protocol

from tidzam.results import Analysis, AnalyzedBatch, WindowBatch


class WindowAnalyzer(Protocol):
    """The parts of a pipeline that live analysis uses."""

    @property
    def window_s(self) -> float: ...
    @property
    def longest_window_s(self) -> float: ...
    def check_rate(self, rate_hz: int) -> None: ...
    def analyze(self, batch: WindowBatch) -> tuple[Analysis, ...]: ...


class WindowFollower(Protocol):
    """What turns the analyses of consecutive windows into detections."""

    def follow(
        self, batch: WindowBatch, analyses: tuple[Analysis, ...], *, jumped: frozenset[str] = frozenset()
    ) -> AnalyzedBatch: ...


class WindowObserver(Protocol):
    """Sees every step of windows with its results, in the thread that analyzes. It neither waits nor raises."""

    @property
    def longest_window_s(self) -> float: ...
    def see(self, batch: WindowBatch, live: AnalyzedBatch, *, jumped: frozenset[str]) -> None: ...
