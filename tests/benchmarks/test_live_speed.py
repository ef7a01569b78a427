"""The arithmetic of the benchmarks of live analysis: capture, latency, fanout and memory."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.capture import HOP_S, holds
from benchmarks.fanout import Phase, delays_ms, figures_of, missed
from benchmarks.feeder import shares
from benchmarks.latency import RATE_HZ, ReceivedWindows, percentiles
from benchmarks.latency import figures_of as latencies_of
from benchmarks.limits import largest_that_holds
from benchmarks.listeners import end_of, subscription
from benchmarks.process_memory import MemoryUse, memory_of, parse_smaps
from benchmarks.start_up import medians, phases
from benchmarks.stopped_reader import text_frame
from tidzam.errors import NodeError
from tidzam.protocol.analyzer import AnalysisEvent, Subscribe

SMAPS = """\
55d0c0a00000-55d0c0a21000 r-xp 00000000 08:01 4711                       /usr/bin/python3.11
Rss:                 120 kB
Pss:                  60 kB
Pss_Anon:              0 kB
7f0000000000-7f0000100000 rw-s 00000000 00:01 12                         /memfd:tidzam-ring (deleted)
Pss:                 300 kB
7f0000200000-7f0000300000 rw-s 00000000 00:18 13                         /dev/shm/jack-0-0
Pss:                   7 kB
55d0c2000000-55d0c2100000 rw-p 00000000 00:00 0                          [heap]
Pss:                1000 kB
7f0000400000-7f0000500000 rw-p 00000000 00:00 0
Pss:                 500 kB
VmFlags: rd wr mr mw me ac
"""

WELL = {"channels": 4, "duration_s": 10.0, "windows": 40, "lost_frames": 0, "dropped_windows": 0, "lag_max_s": 0.2}


@given(bears=st.integers(0, 1100), low=st.integers(1, 8), steps=st.integers(0, 40))
def test_the_largest_load_is_the_one_that_trying_all_would_find(bears: int, low: int, steps: int) -> None:
    low, high = 16 * low, 16 * (low + steps)
    holding = [load for load in range(low, high + 1, 16) if load <= bears]
    assert largest_that_holds(lambda load: load <= bears, low=low, high=high, step=16) == max(holding, default=0)


def test_a_search_among_a_thousand_loads_tries_a_dozen() -> None:
    tried: list[int] = []

    def bears(load: int) -> bool:
        tried.append(load)
        return load <= 700

    largest_that_holds(bears, low=1, high=1000, step=1)
    assert len(tried) <= 12


def test_a_run_without_loss_holds() -> None:
    assert holds(WELL)


@pytest.mark.parametrize(
    "fault", [{"lost_frames": 1}, {"dropped_windows": 1}, {"lag_max_s": HOP_S}, {"windows": 30}], ids=str
)
def test_a_run_that_lost_or_delayed_something_does_not_hold(fault: dict[str, float]) -> None:
    assert not holds({**WELL, **fault})


def test_memory_is_divided_by_what_it_is_for() -> None:
    use = parse_smaps(SMAPS.splitlines())
    assert use == MemoryUse(private=1500 * 1024, files=60 * 1024, ring=300 * 1024, jack=7 * 1024)


def test_memory_of_two_processes_is_added_up() -> None:
    assert (MemoryUse(1, 2, 3, 4) + MemoryUse(10, 20, 30, 40)).total == 110


def test_memory_is_reported_in_megabytes_by_name() -> None:
    figures = MemoryUse(private=2_500_000, ring=500_000).in_mb("capture")
    assert (figures["capture_mb"], figures["capture_private_mb"], figures["capture_jack_mb"]) == (3.0, 2.5, 0.0)


def test_the_memory_of_this_process_is_read() -> None:
    use = memory_of(os.getpid())
    assert use.private > 1e6
    assert use.files > 1e5


def test_percentiles_carry_their_names() -> None:
    assert percentiles([float(time) for time in range(101)]) == {"p50_ms": 50.0, "p95_ms": 95.0, "p99_ms": 99.0}


def test_a_window_is_late_from_its_end_and_a_click_from_its_frame() -> None:
    window, click = RATE_HZ, RATE_HZ + 24_000
    received = ReceivedWindows(arrived={start: start + window + 480 for start in (24_000, 48_000, 72_000)})
    figures = latencies_of(received, [click])
    assert (figures["windows"], figures["p50_ms"], figures["max_ms"]) == (3, 10.0, 10.0)
    assert (figures["clicks"], figures["onset_p50_ms"]) == (1, 510.0)


def test_a_measurement_without_a_click_is_an_error() -> None:
    with pytest.raises(NodeError, match="No event covered a click"):
        latencies_of(ReceivedWindows(arrived={0: 1}), [])


EVENTS = {"0": [(1.0, 1.01), (1.5, 1.53), (2.5, 2.51)], "1": [(1.0, 1.02), (1.5, 1.52)]}


def test_delays_are_those_of_the_events_that_arrive_in_a_phase() -> None:
    assert sorted(round(one) for one in delays_ms(EVENTS, Phase(1.0, 2.0, 0.0))) == [10, 20, 20, 30]


def test_a_hole_in_the_windows_of_a_client_is_missed() -> None:
    assert missed(EVENTS, hop_s=0.5) == 1


def test_the_cost_of_an_event_is_what_clients_add() -> None:
    figures = figures_of(EVENTS, {"before": Phase(1.0, 2.0, 0.3)}, Phase(0.0, 1.0, 0.1))
    assert figures["before_events_per_s"] == 4
    assert figures["before_cpu_us_per_event"] == 50_000


def test_a_phase_without_events_has_no_figures() -> None:
    assert figures_of(EVENTS, {"after": Phase(5.0, 6.0, 0.1)}, Phase(0.0, 1.0, 0.1)) == {"without_clients_cpu": 0.1}


def test_shares_add_up_and_differ_by_one_at_most() -> None:
    assert shares(500, 3) == [167, 167, 166]


def test_clients_are_divided_among_the_channels() -> None:
    asked = Subscribe.model_validate(subscription(33, 32))
    assert (asked.channels, asked.events, asked.mute_sys) == (("feeder:out_1",), ("analysis",), True)


def test_the_end_of_a_window_is_read_from_the_event_on_the_wire() -> None:
    end = datetime(2026, 5, 1, 6, 30, 0, 250_000, tzinfo=UTC)
    event = AnalysisEvent(
        source="pond",
        channel="pond:out_0",
        start=datetime(2026, 5, 1, 6, 29, 59, 250_000, tzinfo=UTC),
        end=end,
        result=("birds",),
        paths=(("birds",),),
        predictions={"birds": 0.9},
        level_dbfs=-20.0,
        gap_frames=0,
    )
    assert end_of(f'42["analysis",{event.model_dump_json()}]') == end.timestamp()


@pytest.mark.parametrize(("length", "head"), [(3, b"\x81\x83"), (126, b"\x81\xfe\x00\x7e")])
def test_a_frame_of_a_websocket_states_its_length(length: int, head: bytes) -> None:
    frame = text_frame("x" * length)
    assert frame[: len(head)] == head
    assert len(frame) == len(head) + 4 + length


LOG = """\
2026-05-01T06:30:01.250Z info analyzer.app: classifiers selector, birds on onnx
2026-05-01T06:30:01.500Z info tidzam.server.app: analyzer listens on http://127.0.0.1:8001
2026-05-01T06:30:02.000Z info analyzer.live.capture_session: capturing feeder:out_0
2026-05-01T06:30:03.000Z info analyzer.live.capture_session: capturing feeder:out_1
"""


def test_a_phase_ends_with_the_first_line_of_the_log_that_reports_it() -> None:
    began = datetime(2026, 5, 1, 6, 30, tzinfo=UTC).timestamp()
    assert phases(LOG.splitlines(), began) == {"classifiers": 1.25, "server": 1.5, "channels": 2.0}


def test_a_figure_of_several_starts_is_their_median() -> None:
    starts = [{"server": 1.0, "cpu": 2.0}, {"server": 5.0, "cpu": 2.2}, {"server": 2.0}]
    assert medians(starts) == {"server_s": 2.0, "cpu_s": 2.1}
