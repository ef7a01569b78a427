"""Live analysis on a real jackd, with a small pipeline."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from analyzer.capture.child import CaptureOptions, EarlyCapture, early_capture
from analyzer.live.capture_health import CAPTURE_SILENT_S, RING_SILENT_S
from analyzer.live.runner import LiveAnalysis
from analyzer.live.window_stages import WindowAnalyzer
from analyzer.pipeline import Pipeline
from tests.support.bundles import SPEC, write_tone_bundle
from tests.support.eventually import eventually_async
from tests.support.jack import JackServer, jack_server
from tests.support.pitch_pipeline import LABELS, PitchPipeline
from tests.support.player import Player, playing
from tidzam.errors import AudioError
from tidzam.gaps import GapLedger, GapReason
from tidzam.inference.tracker import DetectionTracker
from tidzam.results import Analysis, AnalyzedBatch, WindowBatch

pytestmark = pytest.mark.timeout(60)

RATE_HZ = 48000
HOP_FRAMES = 12000


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with jack_server(rate_hz=RATE_HZ) as running:
        yield running


@pytest.fixture(scope="module")
def tone(server: JackServer) -> Iterator[Player]:
    """The source `s`, a tone of 440 Hz."""
    with playing(server, "s", 440) as player:
        yield player


class Listener:
    """Live analysis, and its results so far by channel."""

    def __init__(
        self, server: JackServer, pipeline: WindowAnalyzer, *, ring_s: float = 5.0, first: EarlyCapture | None = None
    ) -> None:
        self.heard: dict[str, list[Analysis]] = {}
        options = CaptureOptions(patterns=("*:out_*",), server=server.name, slots=8, ring_s=ring_s)
        self.gaps = GapLedger(None, writer="analyzer", death=GapReason.CAPTURE)
        self.gaps.load("s", 1)
        labels = pipeline.labels if isinstance(pipeline, Pipeline) else LABELS
        self.live = LiveAnalysis(pipeline, options, DetectionTracker(labels), self._hear, gaps=self.gaps, first=first)

    def _hear(self, analyzed: AnalyzedBatch) -> None:
        for analysis in analyzed.analyses:
            self.heard.setdefault(analysis.channel, []).append(analysis)

    def results(self, channel: str) -> list[str]:
        return [analysis.result[0] for analysis in self.heard.get(channel, [])]

    def gap_frames(self, channel: str) -> int:
        return sum(analysis.gap_frames for analysis in self.heard.get(channel, []))

    def starts(self, channel: str) -> list[int]:
        return [analysis.start_frame for analysis in self.heard.get(channel, [])]


@asynccontextmanager
async def listening(
    server: JackServer,
    pipeline: WindowAnalyzer | None = None,
    *,
    ring_s: float = 5.0,
    first: EarlyCapture | None = None,
) -> AsyncIterator[Listener]:
    listener = Listener(server, pipeline or PitchPipeline(), ring_s=ring_s, first=first)
    task = asyncio.create_task(listener.live.run())
    try:
        yield listener
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that is stopped, and not dead."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def without_a_hole(starts: list[int]) -> bool:
    return starts == list(range(starts[0], starts[-1] + 1, HOP_FRAMES))


@pytest.mark.usefixtures("tone")
async def test_a_tone_appears_on_its_own_channel_and_in_its_own_time(server: JackServer) -> None:
    with playing(server, "high", 1000):
        async with listening(server) as listener:
            await eventually_async(lambda: min(len(listener.results(f"{name}:out_0")) for name in ("s", "high")) >= 8)
            health = listener.live.health()
        assert set(listener.results("s:out_0")) == {"tone-440"}
        assert set(listener.results("high:out_0")) == {"tone-1000"}
        last = listener.heard["high:out_0"][-1]
        assert abs((datetime.now(UTC) - last.end).total_seconds()) < 2
        assert without_a_hole(listener.starts("s:out_0"))
        assert last.start_frame % HOP_FRAMES == 0
        assert health.reasons == ()
        assert sorted(health.channels) == ["high:out_0", "s:out_0"]
        assert health.statistics.dropped_windows == 0
        assert health.statistics.windows >= 16
        assert health.statistics.lag_s >= 0


async def heard_again(listener: Listener, channel: str) -> None:
    """Wait for another result of a channel."""
    heard = len(listener.results(channel))
    await eventually_async(lambda: len(listener.results(channel)) > heard)


@pytest.mark.usefixtures("tone")
async def test_a_channel_that_comes_and_goes_leaves_no_gap_in_the_others(server: JackServer) -> None:
    async with listening(server) as listener:
        await eventually_async(lambda: bool(listener.results("s:out_0")))
        for _ in range(2):
            with playing(server, "guest", 1000):
                await eventually_async(lambda: len(listener.live.health().channels) == 2)
                await heard_again(listener, "guest:out_0")
            await eventually_async(lambda: listener.live.health().channels == ("s:out_0",))
    assert without_a_hole(listener.starts("s:out_0"))
    assert set(listener.results("s:out_0")) == {"tone-440"}
    assert listener.results("guest:out_0")[0] == "tone-1000"


@pytest.mark.usefixtures("tone")
async def test_a_source_that_hangs_and_dies_is_not_felt_by_the_others(server: JackServer) -> None:
    with playing(server, "dies", 1000) as dies:
        async with listening(server) as listener:
            await eventually_async(lambda: len(listener.results("dies:out_0")) >= 2)
            os.kill(dies.pid, signal.SIGSTOP)
            seen = len(listener.results("s:out_0"))
            await eventually_async(lambda: len(listener.results("s:out_0")) > seen + 4)
            os.kill(dies.pid, signal.SIGKILL)
            await eventually_async(lambda: listener.live.health().channels == ("s:out_0",))
            assert listener.live.health().reasons == ()
        assert {analysis.gap_frames for analysis in listener.heard["s:out_0"]} == {0}
        assert without_a_hole(listener.starts("s:out_0"))
        assert listener.heard["dies:out_0"][-1].gap_frames == HOP_FRAMES


@pytest.mark.usefixtures("tone")
async def test_a_killed_capture_process_is_replaced_and_its_loss_counted(server: JackServer) -> None:
    async with listening(server) as listener:
        await eventually_async(lambda: len(listener.results("s:out_0")) >= 2)
        pid = listener.live.health().capture_pid
        assert pid is not None
        before = listener.starts("s:out_0")[-1]
        count = len(listener.results("s:out_0"))
        missed = listener.gaps.totals("s")
        os.kill(pid, signal.SIGKILL)
        assert await eventually_async(lambda: len(listener.results("s:out_0")) > count + 1) < 10
        after = listener.starts("s:out_0")[-1]
        lost = listener.live.health().statistics.lost_frames
        assert 0 < lost < after - before
        missed_since = listener.gaps.totals("s")
        assert listener.live.health().capture_pid != pid
        assert listener.live.health().reasons == ()
    assert missed_since.by_reason.keys() == {GapReason.CAPTURE}
    assert missed_since.count > missed.count
    assert missed_since.seconds > missed.seconds


async def test_capture_resumes_after_a_killed_jack_server() -> None:
    with jack_server(rate_hz=RATE_HZ) as server, playing(server, "s", 440):
        async with listening(server) as listener:
            await eventually_async(lambda: bool(listener.results("s:out_0")))
            server.kill()
            await eventually_async(lambda: bool(listener.live.health().reasons))
            assert listener.live.health().channels == ()
            server.start()
            with playing(server, "again", 1000):
                assert await eventually_async(lambda: bool(listener.results("again:out_0"))) < 10
                assert listener.live.health().reasons == ()


@pytest.mark.usefixtures("tone")
async def test_windows_count_their_lost_frames(server: JackServer, caplog: pytest.LogCaptureFixture) -> None:
    async with listening(server) as listener:
        await eventually_async(lambda: bool(listener.results("s:out_0")))
        pid = listener.live.health().capture_pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(0.6)
        os.kill(pid, signal.SIGCONT)
        await eventually_async(lambda: listener.gap_frames("s:out_0") > 0)
        # Further frames may be lost at any time; they are reported before the window that holds them is analyzed.
        await eventually_async(lambda: listener.gap_frames("s:out_0") == lost_in_windows(caplog, listener, "s:out_0"))
        reported = sum(frames for frames, _ in lost_frames(caplog))
        assert listener.live.health().statistics.lost_frames == reported
        assert without_a_hole(listener.starts("s:out_0"))


def lost_frames(caplog: pytest.LogCaptureFixture) -> list[tuple[int, int]]:
    """How many frames were reported as lost, and from which one on."""
    reports = [record.args for record in caplog.records if record.msg.startswith("lost %d frames of")]
    return [(int(str(args[0])), int(str(args[2]))) for args in reports if isinstance(args, tuple)]


def lost_in_windows(caplog: pytest.LogCaptureFixture, listener: Listener, channel: str) -> int:
    """The frames that were reported as lost and that lie in the windows of a channel that were analyzed so far."""
    starts = listener.starts(channel)
    first, end = starts[0], starts[-1] + HOP_FRAMES
    return sum(max(0, min(start + frames, end) - max(start, first)) for frames, start in lost_frames(caplog))


class SlowPipeline(PitchPipeline):
    """Waits in each analysis until `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def analyze(self, batch: WindowBatch) -> tuple[Analysis, ...]:
        self.go.wait()
        return super().analyze(batch)


@pytest.mark.usefixtures("tone")
async def test_an_analysis_that_cannot_keep_up_drops_windows_and_does_not_lag(server: JackServer) -> None:
    pipeline = SlowPipeline()
    async with listening(server, pipeline, ring_s=2.0) as listener:
        await eventually_async(lambda: bool(listener.live.health().channels))
        await asyncio.sleep(2.5)
        pipeline.go.set()
        await eventually_async(lambda: len(listener.results("s:out_0")) >= 4)
        health = listener.live.health()
        assert health.statistics.dropped_windows >= 5
        assert health.statistics.lag_s < 1.0


@pytest.mark.usefixtures("tone")
async def test_a_rate_below_the_classifiers_is_a_fault(server: JackServer) -> None:
    async with listening(server, PitchPipeline(needs_hz=96000)) as listener:
        await eventually_async(lambda: "48000 Hz is not enough" in " ".join(listener.live.health().reasons))


async def test_having_no_port_to_analyze_is_a_fault() -> None:
    with jack_server(rate_hz=RATE_HZ) as server:
        async with listening(server) as listener:
            await eventually_async(lambda: "*:out_*" in " ".join(listener.live.health().reasons))


@pytest.mark.usefixtures("tone")
async def test_two_nodes_side_by_side_hear_their_own(server: JackServer) -> None:
    with jack_server(rate_hz=44100) as other, playing(other, "s", 1000):
        async with listening(server) as first, listening(other) as second:
            await eventually_async(lambda: bool(first.results("s:out_0")) and bool(second.results("s:out_0")))
            assert first.results("s:out_0")[0] == "tone-440"
            assert second.results("s:out_0")[0] == "tone-1000"


@pytest.mark.usefixtures("tone")
async def test_analysis_takes_over_a_running_capture_process_and_replaces_it_when_it_ends(server: JackServer) -> None:
    options = CaptureOptions(patterns=("*:out_*",), server=server.name, slots=8, ring_s=5.0)
    async with early_capture(options) as first, listening(server, first=first) as listener:
        await eventually_async(lambda: len(listener.results("s:out_0")) >= 2)
        pid = listener.live.health().capture_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await eventually_async(lambda: listener.live.health().capture_pid not in (pid, None), within_s=10)


@pytest.mark.usefixtures("tone")
async def test_a_stopped_capture_process_is_replaced_within_ten_seconds(server: JackServer) -> None:
    async with listening(server) as listener:
        await eventually_async(lambda: len(listener.results("s:out_0")) >= 2)
        pid = listener.live.health().capture_pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        await eventually_async(lambda: listener.live.health().capture_pid not in (pid, None), within_s=10)
        assert await eventually_async(lambda: listener.live.health().reasons == ()) < 10
        before = len(listener.results("s:out_0"))
        await eventually_async(lambda: len(listener.results("s:out_0")) > before)


@pytest.mark.usefixtures("tone")
async def test_a_stopped_jack_server_is_named_and_nothing_is_restarted(server: JackServer) -> None:
    async with listening(server) as listener:
        await eventually_async(lambda: len(listener.results("s:out_0")) >= 2)
        pid = listener.live.health().capture_pid
        with stopped(server.pid):
            await eventually_async(lambda: bool(listener.live.health().faults), within_s=8)
            (fault,) = listener.live.health().faults
            assert (fault.code, fault.origin) == ("stalled", "jack")
            await asyncio.sleep(max(CAPTURE_SILENT_S, RING_SILENT_S))  # by now, capture would be blamed
            assert listener.live.health().capture_pid == pid
            assert [one.origin for one in listener.live.health().faults] == ["jack"]
        heard = len(listener.results("s:out_0"))
        await eventually_async(lambda: len(listener.results("s:out_0")) > heard + 1)
        await eventually_async(lambda: listener.live.health().faults == ())
        assert listener.live.health().capture_pid == pid


@pytest.mark.usefixtures("tone")
async def test_a_jack_server_that_is_stopped_when_capture_starts_is_waited_for(server: JackServer) -> None:
    async with listening(server) as listener:
        with stopped(server.pid):
            await eventually_async(lambda: [one.code for one in listener.live.health().faults] == ["jack_away"])
            assert listener.live.health().faults[0].origin == "jack"
            pid = listener.live.health().capture_pid
            await asyncio.sleep(3)
            assert listener.live.health().capture_pid == pid
        await eventually_async(lambda: bool(listener.results("s:out_0")))
        await eventually_async(lambda: listener.live.health().faults == ())


class DenormalProbe(PitchPipeline):
    """Keeps the product of two numbers that is denormal."""

    product: float | None = None

    def analyze(self, batch: WindowBatch) -> tuple[Analysis, ...]:
        self.product = float(np.float32(1e-38) * np.float32(0.1))
        return super().analyze(batch)


async def test_the_thread_that_analyzes_flushes_denormals(server: JackServer, tone: Player) -> None:
    probe = DenormalProbe()
    async with listening(server, probe) as listener:
        await eventually_async(lambda: listener.results("s:out_0"))
    assert probe.product == 0


@pytest.mark.usefixtures("tone")
async def test_pipelines_that_take_over_lose_no_window_and_repeat_none(server: JackServer) -> None:
    async with listening(server) as listener:
        await eventually_async(lambda: bool(listener.results("s:out_0")))
        for number in range(8):
            await listener.live.replace(PitchPipeline(probability=number / 8), lambda: None)
            await heard_again(listener, "s:out_0")
        await heard_again(listener, "s:out_0")
    assert without_a_hole(listener.starts("s:out_0"))
    assert {one.probabilities["tone-440"] for one in listener.heard["s:out_0"]} == {1.0, *(n / 8 for n in range(8))}


@pytest.mark.usefixtures("tone")
async def test_a_pipeline_that_needs_another_rate_does_not_take_over(server: JackServer) -> None:
    async with listening(server) as listener:
        await eventually_async(lambda: bool(listener.results("s:out_0")))
        with pytest.raises(AudioError):
            await listener.live.replace(PitchPipeline(needs_hz=96000), lambda: None)
        await heard_again(listener, "s:out_0")
    assert without_a_hole(listener.starts("s:out_0"))


@pytest.fixture(scope="module")
def two_lengths(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A selector with windows of 0.25 s, and an expert with windows of 0.75 s."""
    folder = tmp_path_factory.mktemp("nn")
    for name, label, times in (("selector", "birds", 1), ("birds", "owl", 3)):
        write_tone_bundle(folder, name, {label: (440.0,)}, features=replace(SPEC, window_s=0.25 * times))
    return Pipeline.load(folder)


@pytest.mark.usefixtures("tone")
async def test_a_classifier_with_longer_windows_runs_once_they_are_heard_and_is_carried(
    server: JackServer, two_lengths: Pipeline
) -> None:
    async with listening(server, two_lengths) as listener:
        await eventually_async(lambda: len(listener.results("s:out_0")) >= 12)
    heard = listener.heard["s:out_0"]
    first = next(number for number, one in enumerate(heard) if "owl" in one.probabilities)
    assert {one.waiting for one in heard[: first - 1]} <= {("birds",)}
    assert {one.waiting for one in heard[first:]} == {()}
    ages_s = [one.ages_s.get("birds", 0.0) for one in heard[first:]]
    begun = ages_s.index(0.0, 1)  # the first interval may begin before the channel was old enough
    assert ages_s[begun : begun + 6] == pytest.approx([0.0, 0.25, 0.5] * 2)
    assert without_a_hole(listener.starts("s:out_0"))
