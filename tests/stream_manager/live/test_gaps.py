"""The gaps of live streams, on a clock that the test moves."""

from __future__ import annotations

from pathlib import Path

from stream_manager.live.gaps import LiveGaps
from tests.support.gap_clock import SetClock
from tidzam.gaps import GapLedger, GapReason
from tidzam.gaps.report import read_report
from tidzam.jack.live_protocol import SlotStatus
from tidzam.naming import LIVE_SOURCE, port_name

PORT = port_name(LIVE_SOURCE, 3)


def status(*, plays: bool = True, gap_s: float = 0.0, dropped_s: float = 0.0) -> SlotStatus:
    return SlotStatus(3, plays, buffered_s=0.5, played_s=1.0, gaps=0, gap_s=gap_s, dropped_s=dropped_s, drift_ppm=None)


def test_a_stream_is_heard_from_when_it_plays_less_what_came_too_late(tmp_path: Path) -> None:
    clock = SetClock()
    gaps = LiveGaps(GapLedger(tmp_path, writer="stream_manager", clock=clock))
    gaps.begin(PORT)
    clock.pass_s(2)
    gaps.play(PORT, None, status(plays=False))
    clock.pass_s(1)
    gaps.play(PORT, status(plays=False), status())
    clock.pass_s(60)
    gaps.play(PORT, status(), status(gap_s=4.0))
    gaps.play(PORT, status(gap_s=4.0), status(gap_s=4.0))
    clock.pass_s(60)
    gaps.end(PORT)
    clock.pass_s(600)
    (row,) = read_report(tmp_path, clock.utc.date(), clock.utc).channels
    assert (row.channel, row.loaded_s, row.heard_s) == (PORT, 123, 116)
    assert row.missing_s == {GapReason.SOURCE_DOWN: 3, GapReason.NETWORK: 4}


def test_after_a_failure_of_its_process_a_stream_is_missing_until_it_plays_again(tmp_path: Path) -> None:
    clock = SetClock()
    gaps = LiveGaps(GapLedger(tmp_path, writer="stream_manager", clock=clock))
    gaps.begin(PORT)
    gaps.play(PORT, None, status(gap_s=1.0))
    clock.pass_s(10)
    gaps.interrupt(PORT)
    clock.pass_s(5)
    gaps.play(PORT, None, status())
    clock.pass_s(10)
    (row,) = read_report(tmp_path, clock.utc.date(), clock.utc).channels
    assert row.missing_s[GapReason.SOURCE_DOWN] == 5


def test_audio_that_did_not_fit_is_an_overrun(tmp_path: Path) -> None:
    clock = SetClock()
    gaps = LiveGaps(GapLedger(tmp_path, writer="stream_manager", clock=clock))
    gaps.begin(PORT)
    gaps.play(PORT, None, status())
    clock.pass_s(60)
    gaps.play(PORT, status(), status(dropped_s=3.0))
    gaps.end(PORT)
    (row,) = read_report(tmp_path, clock.utc.date(), clock.utc).channels
    assert row.missing_s == {GapReason.OVERRUN: 3}
