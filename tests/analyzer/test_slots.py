import pytest

from analyzer.capture.events import CaptureFailed, Clock, Closed, Event, Opened, Ready, Refused, decode, encode
from analyzer.capture.slots import ClosedSlots, SlotPlan, natural_order, plan


def test_new_ports_get_the_lowest_free_slots_in_natural_order() -> None:
    todo = plan({"a:out_10", "a:out_2", "b:out_0"}, {"b:out_0": True}, {"b:out_0": 1}, slots=8)
    assert todo == SlotPlan(close=(), open={"a:out_2": 0, "a:out_10": 2}, refused=())


def test_a_port_that_disappears_frees_its_slot_and_moves_no_other() -> None:
    used = {"a:out_0": 0, "b:out_0": 1}
    todo = plan({"b:out_0", "c:out_0"}, dict.fromkeys(used, True), used, slots=2)
    assert todo == SlotPlan(close=("a:out_0",), open={"c:out_0": 0}, refused=())


def test_a_port_that_returns_under_its_old_name_is_opened_again() -> None:
    todo = plan({"a:out_0"}, {"a:out_0": False}, {"a:out_0": 0}, slots=2)
    assert todo == SlotPlan(close=("a:out_0",), open={"a:out_0": 0}, refused=())


def test_ports_without_a_free_slot_are_refused() -> None:
    todo = plan({"a:out_0", "a:out_1", "a:out_2"}, {}, {}, slots=2)
    assert todo.refused == ("a:out_2",)


def test_a_slot_has_rested_once_the_ring_went_round() -> None:
    closed = ClosedSlots(rest_frames=1000)
    closed.close(3, 500)
    assert closed.rested(1499) == []
    assert closed.rested(1500) == [3]


def test_a_slot_that_has_rested_is_named_once() -> None:
    closed = ClosedSlots(rest_frames=1000)
    closed.close(3, 500)
    closed.rested(1500)
    assert closed.rested(9000) == []


def test_a_slot_that_is_used_again_keeps_its_memory() -> None:
    closed = ClosedSlots(rest_frames=1000)
    closed.close(3, 500)
    closed.open(3)
    assert closed.rested(9000) == []


def test_natural_order() -> None:
    assert sorted(["s:out_10", "s:out_9", "s:mic", "r:out_1"], key=natural_order) == [
        "r:out_1",
        "s:mic",
        "s:out_9",
        "s:out_10",
    ]


@pytest.mark.parametrize(
    "event",
    [
        Ready("tidzam-analyzer", 48000),
        Opened("s:out_0", 3, 1, 1 << 40),
        Closed("s:out_0"),
        Refused("s:out_1", "why"),
        Clock(7, 1.5),
        CaptureFailed("what", "do this"),
    ],
)
def test_events_survive_the_pipe(event: Event) -> None:
    assert decode(encode(event)) == event
