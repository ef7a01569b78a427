"""Holds complete recordings back until a helper process has muted the speech in them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, Never

from stream_manager.privacy.job import ARGV, HeldRecording, PrivacyJob, ReleasedRecording
from stream_manager.privacy.reports import SpeechReports
from stream_manager.recorder.control import RecordingControl
from stream_manager.recorder.folder import final_path, held_files
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import RequestError, TidzamError
from tidzam.naming import parse_clip_name
from tidzam.process import RestartPolicy, child_process

log = logging.getLogger(__name__)

KEEP_REPORTS_S: Final = 3600.0
_POLL_S: Final = 0.25
_FIND_S: Final = 300.0
"""How often held recordings are looked for of whose completion nothing was heard."""
_SETTLED_S: Final = 60.0
"""How old they are at least: so long after its end, the completion of any recording has been heard of."""
_POLICY: Final = RestartPolicy(first_delay_s=2.0, max_delay_s=300.0, stable_after_s=600.0)


@dataclass
class _Waiting:
    """A held recording, since when it waits, and when it may be tried (monotonic)."""

    held: HeldRecording
    since_s: float
    due_s: float
    failures: int = 0

    @property
    def source(self) -> str:
        name = parse_clip_name(final_path(self.held.path))
        return "" if name is None else name.source


class RecordingPrivacy:
    """Releases held recordings, one at a time, in the order in which they were completed.

    A recording is judged by the reports of the analyzer once they cover it. If they do not within
    `privacy.report_wait_s`, or cannot, the helper process detects speech in the file. A recording that cannot be judged
    stays held, and is tried again. `add` and `take_report` may be called at any time, `add` in any thread.
    """

    def __init__(
        self,
        settings: AnalyzerSettings,
        recordings: RecordingControl,
        *,
        home: Path | None,
        longest_s: float = 0.0,
        now_s: Callable[[], float] = time.monotonic,
        utc_s: Callable[[], float] = time.time,
        on_released: Callable[[HeldRecording, Path], None] = lambda held, file: None,
    ) -> None:
        """`longest_s` is the length of the longest recording. `on_released` is called with each recording that was
        released, and its file. It must not wait."""
        self._on_released = on_released
        self._settings, self._recordings, self._home = settings, recordings, home
        self._longest_s, self._now_s, self._utc_s = longest_s, now_s, utc_s
        self._unreported_until_s = float("-inf")
        self._reports = SpeechReports(keep_s=KEEP_REPORTS_S + longest_s)
        self._added: SimpleQueue[HeldRecording] = SimpleQueue()
        self._waiting: list[_Waiting] = []
        self._problem = ""

    def add(self, held: HeldRecording) -> None:
        """A recording was completed, and is held."""
        self._added.put(held)

    def take_report(self, data: Any) -> None:
        """An event `speech` of the analyzer. What is none is logged."""
        try:
            self._reports.take(data)
        except RequestError as error:
            log.warning("a report about speech cannot be used: %s", error)

    def find(self, folders: Iterable[tuple[Path, float | None]], *, settled_s: float = 0.0) -> None:
        """Hold what an earlier run has left in folders of recordings, each with the threshold of its segments.

        Recordings that ended less than `settled_s` ago are left out.
        """
        for folder, threshold in folders:
            try:
                for path in held_files(folder):
                    if self._is_settled(path, settled_s):
                        self.add(HeldRecording(path=path, root=folder, threshold=threshold, is_reported=False))
            except OSError as error:
                log.error("%s: held recordings cannot be looked for: %s", folder, error)

    def _is_settled(self, path: Path, settled_s: float) -> bool:
        try:
            return not 0 <= self._utc_s() - path.stat().st_mtime < settled_s
        except FileNotFoundError:  # it was released meanwhile
            return False

    async def run(self, folders: Sequence[tuple[Path, float | None]] = ()) -> Never:
        """Release recordings until cancelled, first those in `folders`, which are looked for now and then."""
        await asyncio.to_thread(self.find, folders)
        found_s = self._now_s()
        while True:
            await self.step()
            await asyncio.sleep(_POLL_S)
            if self._now_s() >= found_s + _FIND_S:
                await asyncio.to_thread(lambda: self.find(folders, settled_s=_SETTLED_S))
                found_s = self._now_s()

    async def step(self) -> None:
        """Release the first recording that can be."""
        self._heed_clock()
        self._take_added()
        for waiting in self._waiting:
            if self._can_be_judged(waiting):
                await self._release(waiting)
                return

    def _heed_clock(self) -> None:
        """If the system clock was set back, reports say nothing about recordings that were made before or meanwhile:
        their times came twice."""
        if not self._reports.forget_after(self._utc_s()):
            return
        self._unreported_until_s = self._now_s() + self._longest_s + _SETTLED_S
        self._take_added()
        for waiting in self._waiting:
            waiting.held = replace(waiting.held, is_reported=False)

    def _take_added(self) -> None:
        known = {waiting.held.path for waiting in self._waiting}
        while True:
            try:
                held = self._added.get_nowait()
            except Empty:
                return
            if held.path in known or not held.path.exists():  # it was found, and then its completion was heard of
                continue
            known.add(held.path)
            now_s = self._now_s()
            if now_s < self._unreported_until_s:
                held = replace(held, is_reported=False)
            self._waiting.append(waiting := _Waiting(held, now_s, now_s))
            self._recordings.counters(waiting.source).held += 1

    def _can_be_judged(self, waiting: _Waiting) -> bool:
        now_s, held = self._now_s(), waiting.held
        if now_s < waiting.due_s:
            return False
        waits = held.is_reported and now_s < waiting.since_s + self._settings.privacy.report_wait_s
        return not waits or self._is_covered(waiting)

    def _is_covered(self, waiting: _Waiting) -> bool:
        """Whether the reports reach beyond the last change of the file, on all ports that they are about."""
        try:
            end_s = waiting.held.path.stat().st_mtime + self._settings.privacy.margin_s
        except OSError:
            return True
        name = parse_clip_name(final_path(waiting.held.path))
        if name is None:
            return True
        known = self._reports.of_source(name.source, name.time.timestamp(), end_s)
        return bool(known) and self._reports.cover(known, name.time.timestamp(), end_s)

    async def _release(self, waiting: _Waiting) -> None:
        try:
            released = await self._run(waiting)
        except (TidzamError, OSError) as error:
            self._failed(waiting, str(error))
            return
        by = "by the analyzer's reports" if released.by_reports else "by the file itself"
        log.debug("%s: %.3f s were muted, %s", released.file or waiting.held.path, released.muted_s, by)
        self._waiting.remove(waiting)
        counters = self._recordings.counters(waiting.source)
        counters.held -= 1
        counters.muted_seconds += released.muted_s
        if released.file is None:
            counters.dropped_segments += 1
        else:
            counters.files += 1
            counters.last_file = released.file
            self._on_released(waiting.held, Path(released.file))
        counters.privacy_problem = None
        if self._problem:
            log.info("recordings are released again")
        self._problem = ""

    async def _run(self, waiting: _Waiting) -> ReleasedRecording:
        """Run the helper process. Raises TidzamError with its reason, and OSError."""
        held = waiting.held
        name = parse_clip_name(final_path(held.path))
        reports = {}
        if name is not None and held.is_reported:
            start_s = name.time.timestamp()
            reports = dict(self._reports.of_source(name.source, start_s - 60, float("inf")))
        job = PrivacyJob.of(held, self._settings, home=self._home, reports=reports)
        pipe = asyncio.subprocess.PIPE
        async with child_process(ARGV, name=f"{waiting.source} privacy", stdin=pipe, stdout=pipe) as helper:
            assert helper.process.stdin is not None
            assert helper.process.stdout is not None
            helper.process.stdin.write(job.as_json().encode())
            helper.process.stdin.close()
            answer = (await helper.process.stdout.read()).decode(errors="replace")
            code = await helper.wait()
        if code:
            reason = helper.tail[-1] if helper.tail else f"the helper process ended with {code}"
            raise TidzamError(reason, code="recording_held")
        return ReleasedRecording.from_json(answer)

    def _failed(self, waiting: _Waiting, reason: str) -> None:
        if not waiting.held.path.exists():
            self._waiting.remove(waiting)
            self._recordings.counters(waiting.source).held -= 1
            log.warning("%s was held, and is gone", waiting.held.path)
            return
        waiting.failures += 1
        waiting.due_s = self._now_s() + _POLICY.delay_s(waiting.failures)
        counters = self._recordings.counters(waiting.source)
        counters.privacy_problem = f"{waiting.held.path} is held back: {reason}"
        if reason != self._problem:
            log.error("%s is held back, since speech in it cannot be muted: %s", waiting.held.path, reason)
        self._problem = reason
