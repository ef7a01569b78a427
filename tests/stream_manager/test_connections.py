"""Which ports belong together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream_manager.connections import feed_of, missing_connections

PAIR = ("pond:out_0", "pond-ice:input_1")


def test_a_channel_goes_to_the_input_of_its_number() -> None:
    ports = ["pond:out_0", "pond:out_1", "pond-ice:input_1", "pond-ice:input_2"]
    assert missing_connections(ports, []) == (PAIR, ("pond:out_1", "pond-ice:input_2"))


def test_what_is_joined_or_alone_is_left_alone() -> None:
    assert missing_connections(PAIR, [PAIR]) == ()
    assert missing_connections(["pond:out_0"], []) == ()


def test_ports_of_others_are_theirs() -> None:
    assert feed_of("system:capture_1") is None
    assert feed_of("pond-ice:input_1") is None
    assert missing_connections(["system:playback_1", "lake:out_0", "pond-ice:input_1"], []) == ()


names = st.from_regex(r"\A[A-Za-z0-9_.-]{1,8}\Z").filter(lambda name: not name.endswith("-ice"))


@given(st.sets(st.tuples(names, st.integers(0, 5)), max_size=20))
def test_making_what_is_missing_leaves_nothing_missing(channels: set[tuple[str, int]]) -> None:
    outputs = {f"{name}:out_{channel}" for name, channel in channels}
    ports = outputs | {f"{name}-ice:input_{channel + 1}" for name, channel in channels}
    plan = missing_connections(ports, [])
    assert {output for output, _ in plan} == outputs
    assert len({feed for _, feed in plan}) == len(outputs)
    assert missing_connections(ports, plan) == ()
