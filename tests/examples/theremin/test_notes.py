"""Notes and the pitch of an area."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.theremin import notes
from examples.theremin.notes import DEFAULT_RANGE, hz_of, name_of, note_of, parse_note
from tidzam.errors import ConfigError


def test_the_examples_of_the_module_work() -> None:
    assert doctest.testmod(notes).failed == 0


@given(st.integers(0, 119))
def test_a_note_is_parsed_from_its_name(note: int) -> None:
    assert parse_note(name_of(note)) == note


@given(st.floats(20, 110))
def test_frequencies_are_inverse_to_notes(note: float) -> None:
    assert note_of(hz_of(note)) == pytest.approx(note)


@pytest.mark.parametrize("text", ["", "H4", "C", "C44", "4C"])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_note(text)


@given(st.floats(0.02, 0.16))
def test_twice_the_area_is_half_an_octave(area: float) -> None:
    assert DEFAULT_RANGE.note_of_area(2 * area) - DEFAULT_RANGE.note_of_area(area) == pytest.approx(6)


@given(st.floats(1e-6, 1.0))
def test_every_area_has_a_note_of_the_range(area: float) -> None:
    assert DEFAULT_RANGE.lowest <= DEFAULT_RANGE.note_of_area(area) <= DEFAULT_RANGE.highest


@given(st.floats(55, 79))
def test_areas_are_inverse_to_notes(note: float) -> None:
    assert DEFAULT_RANGE.note_of_area(DEFAULT_RANGE.area_of_note(note)) == pytest.approx(note)
