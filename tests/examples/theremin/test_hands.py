"""Finding hands in pictures, and what they mean."""

from __future__ import annotations

import numpy as np
import pytest

from examples.theremin.demo_video import picture
from examples.theremin.hands import FoundHand, HandFinder, HandModel, PlayingHands, loudness_at, roles
from examples.theremin.notes import DEFAULT_RANGE


@pytest.mark.parametrize("area", [0.02, 0.08, 0.2, 0.3])
def test_a_hand_of_skin_is_found_with_its_area(area: float) -> None:
    (hand,) = HandFinder("skin").find(picture(area))
    assert hand.area == pytest.approx(area, rel=0.05)


@pytest.mark.parametrize("area", [0.022, 0.03, 0.05, 0.1, 0.2, 0.3])
def test_the_note_of_a_hand_is_in_tune(area: float) -> None:
    (hand,) = HandFinder("skin").find(picture(area))
    assert DEFAULT_RANGE.note_of_area(hand.area) == pytest.approx(DEFAULT_RANGE.note_of_area(area), abs=0.1)


@pytest.mark.parametrize("center", [(0.3, 0.4), (0.7, 0.6)])
def test_the_square_is_around_the_hand(center: tuple[float, float]) -> None:
    (hand,) = HandFinder("skin").find(picture(0.06, center))
    assert hand.center == pytest.approx(center, abs=0.02)


@pytest.mark.parametrize("model", ["skin", "motion", "both"])
def test_an_empty_room_has_no_hand(model: HandModel) -> None:
    finder = HandFinder(model)
    assert not any(finder.find(picture(None)) for _ in range(5))


@pytest.mark.parametrize("model", ["motion", "both"])
def test_what_moves_in_front_of_a_still_background_is_found(model: HandModel) -> None:
    finder = HandFinder(model)
    for _ in range(40):
        finder.find(picture(None))
    (hand,) = finder.find(picture(0.1))
    assert hand.area == pytest.approx(0.1, rel=0.1)


def test_skin_that_never_moves_is_not_found_by_both() -> None:
    finder = HandFinder("both")
    assert not any(finder.find(picture(0.1)) for _ in range(40))


def test_a_hand_that_stands_still_does_not_become_background() -> None:
    finder = HandFinder("motion")
    for _ in range(40):
        finder.find(picture(None))
    assert all(finder.find(picture(0.1)) for _ in range(60))


def test_small_spots_of_skin_are_no_hands() -> None:
    image = picture(None)
    image[100:110, 100:110] = (110, 150, 215)
    assert HandFinder("skin").find(image) == []


def test_pictures_may_have_any_size() -> None:
    image = np.repeat(np.repeat(picture(0.1), 2, axis=0), 3, axis=1)
    (hand,) = HandFinder("skin").find(image)
    assert hand.area == pytest.approx(0.1, rel=0.05)


def test_of_two_hands_the_right_one_sets_the_pitch_and_the_left_one_the_loudness() -> None:
    hands = roles(HandFinder("skin").find(picture(0.1, (0.7, 0.5), other=(0.15, 0.3))))
    assert hands.reading.area == pytest.approx(0.1, rel=0.05)
    assert hands.reading.loudness == pytest.approx(0.75, abs=0.03)


def test_a_single_hand_sets_the_pitch_at_full_loudness_wherever_it_is() -> None:
    assert roles([FoundHand(0.0, 0.0, 0.2, 0.2, 0.04)]).reading.loudness == 1.0


def test_nobody_is_silent() -> None:
    assert not PlayingHands(None).reading.is_hand


@pytest.mark.parametrize(("from_top", "loudness"), [(0.0, 1.0), (0.1, 1.0), (0.5, 0.5), (0.9, 0.0), (1.0, 0.0)])
def test_the_higher_the_hand_the_louder(from_top: float, loudness: float) -> None:
    assert loudness_at(from_top) == pytest.approx(loudness)
