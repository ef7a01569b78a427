"""What the JACK agent and its parent agree on."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_manager.jack_agent_protocol import Beat, stall_timeout_s
from stream_manager.silence_meter import is_zero


@given(st.booleans(), st.integers(0, 9999), st.frozensets(st.from_regex(r"\A[A-Za-z0-9_.-]{1,8}\Z")))
def test_a_beat_is_read_as_it_was_written(stalled: bool, busy: int, quiet: frozenset[str]) -> None:
    beat = Beat(stalled, busy / 100, quiet)
    assert str(beat)[0] == "@"
    assert Beat.parse(str(beat)[1:]) == beat


def test_a_server_with_long_cycles_is_not_called_stalled_between_two_of_them() -> None:
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
def test_only_exact_zeros_are_digital_silence_and_a_quiet_microphone_is_not(samples: list[float], zero: bool) -> None:
    assert is_zero(struct.pack(f"{len(samples)}f", *samples)) is zero
