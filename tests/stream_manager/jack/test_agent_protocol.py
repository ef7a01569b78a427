"""What the JACK agent and its parent agree on."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_manager.jack.agent_protocol import (
    MAX_PORTS_PER_MESSAGE,
    MESSAGES,
    AgentBeat,
    Connected,
    PortChanges,
    Signals,
    port_changes,
    signal_messages,
    stall_timeout_s,
)
from stream_manager.signals.measurement import SignalMeasurement
from stream_manager.signals.silence_meter import is_zero

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PORTS = st.frozensets(NAMES, max_size=30)


@given(
    st.builds(Connected, st.integers(8000, 192000))
    | st.builds(PortChanges, st.lists(NAMES).map(tuple), st.lists(NAMES).map(tuple), st.booleans())
    | st.builds(AgentBeat, st.booleans(), st.floats(0, 1e6), st.lists(NAMES).map(tuple))
)
def test_a_message_is_one_line_and_survives_decoding(message: Connected | PortChanges | AgentBeat) -> None:
    line = MESSAGES.encode(message)
    assert "\n" not in line
    assert MESSAGES.decode(line) == message


@given(PORTS, PORTS)
def test_port_changes_lead_from_one_set_to_the_other(before: frozenset[str], now: frozenset[str]) -> None:
    (change,) = port_changes(before, now)
    assert (before - set(change.removed)) | set(change.added) == now
    assert change.is_last


def test_many_changes_are_split_so_that_a_line_is_short() -> None:
    now = frozenset(f"{'x' * 59}:out_{number}" for number in range(3 * MAX_PORTS_PER_MESSAGE + 1))
    changes = list(port_changes(frozenset(), now))
    assert {port for change in changes for port in change.added} == now
    assert [change.is_last for change in changes] == [False, False, False, True]
    assert max(len(MESSAGES.encode(change)) for change in changes) < 2**16


def test_measurements_survive_their_messages_and_lines_are_short() -> None:
    one = SignalMeasurement(-31.25, clipped_share=0.0012, hum_share=0.25, hum_dbfs=-50.5, bandwidth_hz=18000.0)
    measured = {f"{'x' * 59}:out_{number}": one for number in range(2 * MAX_PORTS_PER_MESSAGE + 1)}
    lines = [MESSAGES.encode(message) for message in signal_messages(measured)]
    assert (len(lines), max(map(len, lines)) < 2**16) == (3, True)
    decoded: dict[str, SignalMeasurement] = {}
    for line in lines:
        message = MESSAGES.decode(line)
        assert isinstance(message, Signals)
        decoded |= message.measurements()
    assert decoded == measured


def test_measurements_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Signals(("a:out_0",), (), (), (), (), (), (), ()).measurements()


@pytest.mark.parametrize("line", ["", "x", "[]", "{}", '{"event": "other"}', '{"event": "beat"}', b"\xff"])
def test_a_malformed_message_is_refused(line: str | bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        MESSAGES.decode(line)


def test_the_stall_timeout_exceeds_long_cycles() -> None:
    assert stall_timeout_s(1024, 44100) == 2.0
    assert stall_timeout_s(8192, 8000) > 4.0


@pytest.mark.parametrize(
    ("samples", "zero"),
    [
        ([0.0] * 64, True),
        ([0.0, -0.0] * 32, True),
        ([0.0] * 63 + [1e-30], False),
        ([-1e-6] + [0.0] * 63, False),
    ],
)
def test_only_exact_zeros_are_digital_silence(samples: list[float], zero: bool) -> None:
    assert is_zero(struct.pack(f"{len(samples)}f", *samples)) is zero
