"""What the analyzer reports about speech: which times are covered, and which forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stream_manager.privacy.__main__ import reported_speech
from stream_manager.privacy.audio import RecordedAudio
from stream_manager.privacy.job import HeldRecording
from stream_manager.privacy.reports import SpeechReports, joined
from tidzam.errors import RequestError

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
START_S = START.timestamp()


def event(channel: str, first_s: float, last_s: float, *speech_s: tuple[float, float]) -> dict[str, Any]:
    """As it comes over the wire; seconds count from START."""

    def text(seconds: float) -> str:
        return (START + timedelta(seconds=seconds)).isoformat()

    speech = [[text(first), text(last)] for first, last in speech_s]
    return {
        "node": "garden",
        "channels": [{"channel": channel, "start": text(first_s), "end": text(last_s), "speech": speech}],
    }


def reports(*events: dict[str, Any], keep_s: float = 3600) -> SpeechReports:
    made = SpeechReports(keep_s=keep_s)
    for one in events:
        made.take(one)
    return made


def test_consecutive_reports_cover_a_time() -> None:
    known = reports(*(event("pond:out_0", second, second + 1) for second in range(10)))
    assert known.cover(["pond:out_0"], START_S, START_S + 10)


def test_a_missing_report_leaves_a_time_uncovered() -> None:
    known = reports(*(event("pond:out_0", second, second + 1) for second in range(10) if second != 4))
    assert not known.cover(["pond:out_0"], START_S, START_S + 10)


def test_all_ports_have_to_be_covered() -> None:
    known = reports(event("pond:out_0", 0, 10), event("pond:out_1", 0, 5))
    assert not known.cover(["pond:out_0", "pond:out_1"], START_S, START_S + 10)


def test_reports_about_other_sources_are_left_out() -> None:
    known = reports(event("pond:out_0", 0, 10), event("pond-2:out_0", 0, 10))
    assert set(known.of_source("pond", START_S, START_S + 10)) == {"pond:out_0"}


def test_speech_is_known_with_its_times() -> None:
    known = reports(event("pond:out_0", 0, 5, (4.5, 5.0)), event("pond:out_0", 5, 10, (5.0, 5.5)))
    (found,) = known.of_source("pond", START_S, START_S + 10).values()
    assert found.speech == ((START_S + 4.5, START_S + 5.5),)


def test_old_reports_are_forgotten() -> None:
    known = reports(event("pond:out_0", 0, 5), event("pond:out_0", 100, 105), keep_s=60)
    assert not known.cover(["pond:out_0"], START_S, START_S + 5)


def test_what_was_judged_later_than_now_is_forgotten() -> None:
    known = reports(event("pond:out_0", 0, 10))
    assert known.forget_after(START_S + 4)
    assert known.cover(["pond:out_0"], START_S, START_S + 4)
    assert not known.cover(["pond:out_0"], START_S, START_S + 5)


def test_speech_is_not_forgotten_with_it() -> None:
    known = reports(event("pond:out_0", 0, 10, (7.0, 8.0)))
    known.forget_after(START_S + 4)
    assert known.of_source("pond", START_S, START_S + 10)["pond:out_0"].speech == ((START_S + 7, START_S + 8),)


def test_nothing_is_forgotten_while_no_clock_is_set_back() -> None:
    known = reports(event("pond:out_0", 0, 10))
    assert not known.forget_after(START_S + 10)
    assert known.cover(["pond:out_0"], START_S, START_S + 10)


@pytest.mark.parametrize(("seconds", "decide"), [(3600.5, True), (3700.0, False)])
def test_reports_decide_about_files_of_at_most_an_hour(seconds: float, decide: bool) -> None:
    known = reports(event("pond:out_0", -1, 4000), keep_s=7200).of_source("pond", START_S - 60, START_S + 4000)
    held = HeldRecording(path=Path("/recordings/.pond-2026-05-01-06-30-00.flac.held"), root=Path("/recordings"))
    audio = RecordedAudio(48000, 1, seconds, 16, 700)
    assert (reported_speech(held, audio, known, margin_s=1.0) is not None) == decide


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(RequestError):
        SpeechReports(keep_s=60).take({"channels": "pond"})


def test_times_that_nearly_touch_are_one() -> None:
    assert joined([(0.0, 1.0), (1.01, 2.0), (3.0, 4.0)], since_s=0) == ((0.0, 2.0), (3.0, 4.0))
