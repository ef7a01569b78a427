"""Which ports belong together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream_manager.jack.connections import missing_connections, possible_connections
from tidzam.naming import is_channel_port

PAIR = ("pond:out_0", "pond-ice:input_1")
SUFFIXES = ("ice", "rec")


def test_a_channel_is_connected_to_the_input_of_its_number() -> None:
    ports = ["pond:out_0", "pond:out_1", "pond-ice:input_1", "pond-ice:input_2"]
    assert missing_connections(ports, SUFFIXES, []) == (PAIR, ("pond:out_1", "pond-ice:input_2"))


def test_a_channel_is_connected_to_every_output() -> None:
    pairs = missing_connections([*PAIR, "pond-rec:input_1"], SUFFIXES, [])
    assert pairs == (PAIR, ("pond:out_0", "pond-rec:input_1"))


def test_an_existing_connection_is_not_made_again() -> None:
    assert missing_connections(PAIR, SUFFIXES, [PAIR]) == ()


def test_a_channel_without_an_output_is_not_connected() -> None:
    assert missing_connections(["pond:out_0"], SUFFIXES, []) == ()


def test_ports_of_other_clients_are_left_alone() -> None:
    assert not is_channel_port("system:capture_1")
    assert not is_channel_port("pond-ice:input_1")
    ports = ["system:playback_1", "lake:out_0", "pond-ice:input_1", "lake-other:input_1"]
    assert missing_connections(ports, SUFFIXES, []) == ()


names = st.from_regex(r"\A[A-Za-z0-9_.-]{1,8}\Z").filter(lambda name: not name.endswith(("-ice", "-rec")))


@given(st.sets(st.tuples(names, st.integers(0, 5)), max_size=20))
def test_each_channel_has_an_input_of_each_output_for_itself(channels: set[tuple[str, int]]) -> None:
    outputs = {f"{name}:out_{channel}" for name, channel in channels}
    inputs = {f"{name}-{suffix}:input_{channel + 1}" for name, channel in channels for suffix in SUFFIXES}
    pairs = tuple(possible_connections(outputs | inputs, SUFFIXES))
    assert {output for output, _ in pairs} == outputs
    assert sorted(target for _, target in pairs) == sorted(inputs)
    assert missing_connections(outputs | inputs, SUFFIXES, pairs) == ()
