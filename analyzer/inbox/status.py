"""The state of the inference, written for `tidzam status`."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from analyzer.inbox.entries import InboxCounts
from analyzer.inbox.folder import WaitingFile
from analyzer.inbox.work import FinishedFile
from tidzam.inbox_status import InboxSinkStatus, InboxState, InboxStatus

_EVERY_S: Final = 1.0


class StatusWriter:
    """Keeps the state and writes it into the home whenever it changes. A full disk is no reason to fail."""

    def __init__(self, home: Path, counts: Callable[[], InboxCounts]) -> None:
        self._home, self._counts = home, counts
        self._status = InboxStatus(updated="", pid=os.getpid(), state="loading")
        self._next_s = 0.0
        self.sinks: Callable[[], Mapping[str, InboxSinkStatus]] = dict

    @property
    def fault(self) -> str | None:
        """Why nothing can be analyzed at present."""
        return self._status.fault

    def failed(self, reason: str) -> None:
        """Nothing can be analyzed."""
        self._status = replace(self._status, fault=reason)

    def finished(self, done: FinishedFile, took_s: float) -> None:
        """A file was analyzed."""
        report = done.outcome.report
        audio_s = 0.0 if report is None else report.duration_s
        self._status = replace(
            self._status, last=done.file.name, last_s=round(took_s, 3), last_audio_s=audio_s, fault=None
        )

    async def write(
        self, state: InboxState, waiting: Sequence[WaitingFile] = (), current: WaitingFile | None = None
    ) -> None:
        """Write the state, with the files that wait, oldest first, and the one being analyzed.

        While many files are analyzed, one after the other, it is written once in a second.
        """
        now_s = time.monotonic()
        if state == self._status.state and now_s < self._next_s:
            return
        self._next_s = now_s + _EVERY_S
        self._status = await asyncio.to_thread(self._now, state, waiting, current)
        with suppress(OSError):
            await asyncio.to_thread(self._status.write, self._home)

    def _now(self, state: InboxState, waiting: Sequence[WaitingFile], current: WaitingFile | None) -> InboxStatus:
        counts, oldest = self._counts(), waiting[0] if waiting else None
        return replace(
            self._status,
            updated=datetime.now(UTC).isoformat(timespec="seconds"),
            state=state,
            waiting=len(waiting),
            oldest=None if oldest is None else oldest.name,
            oldest_start=None if oldest is None or oldest.start is None else oldest.start.isoformat(),
            current=None if current is None else current.name,
            analyzed=counts.analyzed,
            with_detections=counts.with_detections,
            detections=counts.detections,
            rejected=counts.rejected,
            audio_s=round(counts.audio_s, 3),
            sinks=self.sinks(),
        )
