"""Live analysis: keeps the capture process alive, reads windows from its ring and has them analyzed."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final

from analyzer.batching import analyze_in_slices
from analyzer.capture.child import Capture, CaptureOptions, EarlyCapture, capture_process
from analyzer.capture.events import CaptureFailed, Ready
from analyzer.live.capture_faults import JACK_FAULTS, STARTING, fault_of
from analyzer.live.capture_gaps import CaptureGaps
from analyzer.live.capture_health import CaptureMonitor, CaptureState
from analyzer.live.capture_session import CaptureSession, Channel, check_window
from analyzer.live.health import LiveHealth, LiveStatistics
from analyzer.live.sample_check import SampleCheck
from analyzer.live.source_clocks import SourceClocks
from analyzer.live.thread_priority import lower_priority
from analyzer.live.window_stages import WindowAnalyzer, WindowFollower, WindowObserver
from analyzer.window_schedule import Due
from tidzam.aio import require_running
from tidzam.denormals import flush_denormals
from tidzam.errors import JackError, TidzamError
from tidzam.gaps import ALL, GapLedger, GapReason
from tidzam.jack.ring import Lapped
from tidzam.process import RestartPolicy
from tidzam.protocol.analyzer import AnalyzerFault
from tidzam.results import AnalyzedBatch

log = logging.getLogger(__name__)

_POLL_S: Final = 0.005
_WATCH_EVERY_S: Final = 0.25
_ASLEEP_S: Final = 1.0
"""If a check is this late, this process itself did not run, and cannot judge others."""
_LATE_S: Final = 3.0
_WINDOWS_AT_ONCE: Final = 16
"""As fast as all windows at once, with a fraction of the memory: 102 instead of 218 MB for 128 channels."""
_POLICY: Final = RestartPolicy(first_delay_s=0.2, max_delay_s=3.0, stable_after_s=10.0)
_LAST_WINDOW_S: Final = 5.0
"""How long the window in progress is waited for when analysis or capture ends."""
TAKE_OVER_S: Final = 30.0
"""A window that takes longer to be analyzed is that of a network that hangs."""


class LiveAnalysis:
    """Runs until cancelled. `on_batch` receives the windows of all channels at one time and their results; it must not
    block.

    When the last channel has disappeared, one batch without channels reports it. `source_rate` returns the rate of
    the source behind a channel, before it was resampled to JACK's. `gaps` is where intervals that were not captured,
    or not analyzed, are recorded. `clocks` are the times of replayed recordings. `first` is a capture process that is
    already running; without one, and after it, one with the options `capture` is started.
    """

    def __init__(
        self,
        pipeline: WindowAnalyzer,
        capture: CaptureOptions,
        detections: WindowFollower,
        on_batch: Callable[[AnalyzedBatch], None],
        *,
        overlap: float = 0.0,
        source_rate: Callable[[str], int | None] = lambda channel: None,
        gaps: GapLedger | None = None,
        clocks: SourceClocks | None = None,
        first: EarlyCapture | None = None,
    ) -> None:
        self._pipeline, self._options, self._overlap = pipeline, capture, overlap
        self._detections, self._on_batch = detections, on_batch
        self._source_rate, self._clocks = source_rate, clocks or SourceClocks()
        self._first = first
        self._gaps = gaps or GapLedger(None, writer="analyzer", death=GapReason.CAPTURE)
        self._statistics = LiveStatistics()
        self._lost = CaptureGaps(self._gaps, self._statistics)
        self._samples = SampleCheck()
        self._pid: int | None = None
        self._session: CaptureSession | None = None
        self._previous: CaptureSession | None = None
        self._observer: WindowObserver | None = None
        self._silence_reported = True
        self._fault: AnalyzerFault | None = STARTING
        self._worker = ThreadPoolExecutor(1, "analysis", initializer=_begin_worker)
        self._turn = asyncio.Lock()
        """Held while a window is read and analyzed, and while another pipeline takes over."""

    async def run(self) -> None:
        """Capture and analyze. The capture process is started again whenever it ends."""
        failures = 0
        self._gaps.begin(ALL, GapReason.CAPTURE)
        with self._worker:
            while True:
                started = time.monotonic()
                try:
                    await self._run_capture()
                except* TidzamError as errors:
                    failures = _POLICY.failures_after(failures, time.monotonic() - started)
                    self._report(fault_of(errors, failures))
                require_running()
                await asyncio.sleep(_POLICY.delay_s(failures))

    async def replace(self, pipeline: WindowAnalyzer, adopt: Callable[[], Any]) -> None:
        """Analyze with another pipeline from the next window on. No window is lost, and none is analyzed twice.

        `adopt` is called in between, in the thread that analyzes. Raises AudioError (`sample_rate`) and BundleError
        (`bundle_window`) if the pipeline cannot analyze what is captured, and TimeoutError if the analysis of a window
        does not come to an end; then all remains as it was.
        """
        async with asyncio.timeout(TAKE_OVER_S), self._turn:
            known = self._session or self._previous
            if known is not None:
                pipeline.check_rate(known.ring.rate_hz)
            check_window(pipeline.longest_window_s, ring_s=self._options.ring_s)
            await asyncio.get_running_loop().run_in_executor(self._worker, adopt)
            self._pipeline = pipeline
            self._reschedule()

    async def observe(self, observer: WindowObserver | None) -> None:
        """Let another observer see the windows from the next one on, or none.

        Raises BundleError (`bundle_window`), and TimeoutError if the analysis of a window does not come to an end.
        """
        async with asyncio.timeout(TAKE_OVER_S), self._turn:
            if observer is not None:
                check_window(observer.longest_window_s, ring_s=self._options.ring_s)
            self._observer = observer
            self._reschedule()

    def _reschedule(self) -> None:
        if self._session is not None:
            self._session.reschedule(
                window_s=self._pipeline.window_s, overlap=self._overlap, longest_s=self._longest_window_s
            )

    @property
    def _longest_window_s(self) -> float:
        observed_s = 0.0 if self._observer is None else self._observer.longest_window_s
        return max(self._pipeline.longest_window_s, observed_s)

    def _report(self, fault: AnalyzerFault | None) -> None:
        """Log a fault of live analysis once, and its end."""
        if fault == self._fault:
            return
        if fault is not None and fault != STARTING:
            log.error("%s Capture is retried until it works.", fault.message)
        elif fault is None and self._fault != STARTING:
            log.info("capture works again")
        self._fault = fault

    async def _run_capture(self) -> None:
        """One run of the capture process. It always ends with an error that gives the reason."""
        first, self._first = self._first, None
        async with first or capture_process(self._options) as capture, asyncio.TaskGroup() as tasks:
            self._pid, monitor = capture.pid, CaptureMonitor(time.monotonic())
            tasks.create_task(self._watch(capture, monitor))
            try:
                async for event in capture.events(lambda alive: monitor.alive(alive.cycle, time.monotonic())):
                    if isinstance(event, CaptureFailed):
                        raise JackError(event.message, hint=event.hint, code="jack_away")
                    if isinstance(event, Ready):
                        self._session = self._begin(capture, event)
                        tasks.create_task(self._analyze(self._session))
                    if self._session is not None:
                        self._session.handle(event)
                raise TidzamError("The capture process ended.", code="capture")
            finally:
                self._gaps.begin(ALL, GapReason.CAPTURE)
                self._pid = None
                self._previous, self._session = self._session or self._previous, None

    def _begin(self, capture: Capture, ready: Ready) -> CaptureSession:
        self._pipeline.check_rate(ready.rate_hz)
        log.info("capturing at %d Hz as the JACK client %s (pid %d)", ready.rate_hz, ready.client, capture.pid)
        self._report(None)
        self._gaps.end(ALL, GapReason.CAPTURE)
        return CaptureSession(
            capture.ring(),
            window_s=self._pipeline.window_s,
            overlap=self._overlap,
            longest_s=self._longest_window_s,
        )

    async def _watch(self, capture: Capture, monitor: CaptureMonitor) -> None:
        """Monitor the capture process. Raises TidzamError (`capture`) when it hangs."""
        checked = time.monotonic()
        while True:
            await asyncio.sleep(_WATCH_EVERY_S)
            now = time.monotonic()
            if now - checked > _ASLEEP_S:
                monitor.forgive(now)
            checked = now
            if self._session is not None:
                monitor.written(self._session.ring.written_until(), now)
            state = monitor.state(now)
            if state is CaptureState.CAPTURE_HANGS:
                capture.kill()  # it would not respond to a request to end
                raise TidzamError("The capture process hung and was replaced.", code="capture")
            if state in JACK_FAULTS or (state is CaptureState.WELL and self._fault in JACK_FAULTS.values()):
                self._report(JACK_FAULTS.get(state))

    async def _analyze(self, session: CaptureSession) -> None:
        """Analyze every window of `session` as it becomes complete."""
        written = 0
        while True:
            async with self._turn:
                due = session.due()
                if session.ring.written_until() != written:  # also of what was written while another pipeline took over
                    written = session.ring.written_until()
                    self._note_gaps(session)
                if due is not None:
                    await self._take(session, due)
            if due is None:
                await asyncio.sleep(_POLL_S)

    def _note_gaps(self, session: CaptureSession) -> None:
        if self._previous is not None and session.timeline is not None:
            self._lost.between_sessions(session.gap_after(self._previous))
            self._previous = None
        self._lost.not_captured(session)

    async def _take(self, session: CaptureSession, due: Due) -> None:
        channels = tuple(one for one in session.channels_at(due.start) if self._clocks.is_known(one.name))
        if due.skipped:
            log.warning("analysis cannot keep up: dropped %d windows of %d channels", due.skipped, len(channels))
            first = due.start - due.skipped * session.schedule.hop
            self._lost.not_analyzed(session, channels, first, due.skipped)
        if not channels and self._silence_reported:
            return
        self._silence_reported = not channels
        work = asyncio.get_running_loop().run_in_executor(self._worker, self._work, session, channels, due.start)
        try:
            analyzed = await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work], timeout=_LAST_WINDOW_S)  # it goes on, and the detections follow from it
            if work.done() and work.exception() is None:
                self._on_batch(work.result())
            raise
        except Lapped as error:
            log.warning("a window was dropped: %s", error)
            self._lost.not_analyzed(session, channels, due.start, 1)
            return
        assert session.timeline is not None
        end_s = session.timeline.utc_s(due.start + session.schedule.window)
        self._statistics.analyzed(len(analyzed.analyses), lag_s=max(0.0, time.time() - end_s))
        self._on_batch(analyzed)

    def _work(self, session: CaptureSession, channels: tuple[Channel, ...], start: int) -> AnalyzedBatch:
        """Runs in the worker thread, so that the event loop stays free."""
        batch = self._samples.cleaned(session.read(channels, start))
        batch = replace(batch, source_rates_hz=tuple(map(self._source_rate, batch.channels)))
        batch, jumped = self._clocks.applied(batch)
        analyses = analyze_in_slices(self._pipeline.analyze, batch, windows=_WINDOWS_AT_ONCE)
        analyzed = self._detections.follow(batch.without_context(), analyses, jumped=jumped)
        if (observer := self._observer) is not None:
            observer.see(batch, analyzed, jumped=jumped)
        return analyzed

    def health(self) -> LiveHealth:
        """The current state."""
        session = self._session
        faults = [self._fault] if self._fault else self._lateness(session)
        return LiveHealth(
            faults=tuple(faults),
            remarks=(*session.refused.values(), *self._samples.remarks) if session else (),
            channels=tuple(session.channels) if session else (),
            capture_pid=self._pid,
            rate_hz=session.ring.rate_hz if session else None,
            statistics=self._statistics,
            replaced_samples=self._samples.replaced,
            heard_s=session.heard_s() if session else {},
        )

    def _lateness(self, session: CaptureSession | None) -> list[AnalyzerFault]:
        if session is None:
            return []
        if not session.channels:
            message = f"No JACK port matches {', '.join(self._options.patterns)}: there is nothing to analyze."
            return [AnalyzerFault(code="no_channel", origin="source", message=message)]
        age_s = min(session.captured_s(), self._statistics.age_s() or math.inf)
        allowed_s = (session.schedule.window + session.schedule.hop) / session.ring.rate_hz + _LATE_S
        message = f"No window was analyzed for {age_s:.1f} s."
        return [AnalyzerFault(code="late", origin="analyzer", message=message)] if age_s > allowed_s else []


def _begin_worker() -> None:
    """The thread that analyzes has a priority below jackd, capture and players."""
    lower_priority()
    flush_denormals()
