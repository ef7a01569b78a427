"""A sink that tests can make fail."""

from __future__ import annotations

from tidzam.results import AnalyzedBatch


class RecordingSink:
    """Keeps the numbers of its batches, and raises in the methods that `faults` names, as often as it says."""

    def __init__(self, error: BaseException | None = None, **faults: int) -> None:
        self.calls: list[str] = []
        self.taken: list[int] = []
        self._error, self._faults = error, faults

    def _call(self, method: str) -> None:
        self.calls.append(method)
        if self._faults.get(method, 0):
            self._faults[method] -= 1
            raise self._error or RuntimeError("no luck")

    async def open(self) -> None:
        self._call("open")

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        self._call("deliver")
        self.taken.append(int(analyzed.batch.start_frame / analyzed.batch.rate_hz))

    async def close(self) -> None:
        self._call("close")
