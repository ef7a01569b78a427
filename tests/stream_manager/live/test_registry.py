"""Which client streams to which port."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stream_manager.live.registry import CLOSE_S, PENDING_S, LiveStream, LiveStreamRegistry, PendingAudio
from tidzam.errors import RequestError
from tidzam.jack.live_protocol import FrameKind, LiveFrame, SlotStatus

STARTED = datetime(2026, 5, 1, tzinfo=UTC)


def open_stream(registry: LiveStreamRegistry, client: str, now_s: float = 0.0) -> LiveStream:
    return registry.open(client, started=STARTED, now_s=now_s, buffer_s=5.0)


def frame(number: int, *, duration_s: float) -> LiveFrame:
    return LiveFrame(FrameKind.AUDIO, number, 1000, bytes(round(2000 * duration_s)))


def test_each_client_has_the_lowest_free_port() -> None:
    registry = LiveStreamRegistry(3)
    ports = [open_stream(registry, client).port for client in "abc"]
    assert ports == [f"tidzam-livestreams:out_{number}" for number in range(3)]
    registry.release(1)
    assert open_stream(registry, "d").slot == 1


def test_no_free_port_is_an_error_with_their_number() -> None:
    registry = LiveStreamRegistry(2)
    open_stream(registry, "a")
    open_stream(registry, "b")
    with pytest.raises(RequestError, match="All 2 ports") as caught:
        open_stream(registry, "c")
    assert caught.value.code == "live_ports_in_use"


def test_a_node_without_live_ports_says_so() -> None:
    with pytest.raises(RequestError) as caught:
        open_stream(LiveStreamRegistry(0), "a")
    assert caught.value.code == "live_streams_off"


def test_a_port_is_taken_until_it_is_closed() -> None:
    registry = LiveStreamRegistry(1)
    registry.close(open_stream(registry, "a"), 1.0)
    assert registry.of_client("a") is None
    with pytest.raises(RequestError):
        open_stream(registry, "a")


def test_a_stream_is_idle_after_the_time_out() -> None:
    registry = LiveStreamRegistry(2)
    stream = open_stream(registry, "a", now_s=10.0)
    assert registry.idle(69.0, 60.0) == ()
    assert registry.idle(71.0, 60.0) == (stream,)


def test_a_port_that_is_not_closed_in_time_is_noticed() -> None:
    registry = LiveStreamRegistry(1)
    registry.close(open_stream(registry, "a"), 10.0)
    assert not registry.is_stuck(10.0 + CLOSE_S - 0.1)
    assert registry.is_stuck(10.0 + CLOSE_S + 0.1)


def test_what_was_lost_is_remembered_when_the_process_is_replaced() -> None:
    stream = open_stream(LiveStreamRegistry(1), "a")
    stream.status = SlotStatus(0, True, 0.5, 9.0, 2, 1.5, 0.25, None)
    stream.interrupt()
    stream.status = SlotStatus(0, True, 0.5, 9.0, 1, 0.5, 0.0, None)
    totals = stream.totals.plus(stream.status)
    assert (totals.gaps, totals.gap_s, totals.dropped_s) == (4, 2.0, 0.25)


def test_pending_audio_keeps_the_latest_and_reports_what_it_drops() -> None:
    pending = PendingAudio()
    dropped_s = sum(pending.add(frame(number, duration_s=0.5)) for number in range(10))
    kept = pending.take()
    assert [one.slot for one in kept] == list(range(10 - len(kept), 10))
    assert sum(one.duration_s for one in kept) == PENDING_S
    assert dropped_s == 5.0 - PENDING_S
    assert pending.take() == ()


def test_pending_audio_of_packets_of_any_length_is_bounded() -> None:
    pending = PendingAudio()
    for number in range(1000):
        pending.add(frame(number % 256, duration_s=0.02 if number % 2 else 0.5))
    assert sum(one.duration_s for one in pending.take()) <= PENDING_S
