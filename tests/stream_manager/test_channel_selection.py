"""Channels of a source by number and by name."""

from __future__ import annotations

import pytest

from stream_manager.channel_selection import channel_labels, selected_channels
from tidzam.config import SourceSettings
from tidzam.errors import RequestError

NAMES = ("north", "east", "south")


def test_without_a_selection_all_channels_play() -> None:
    assert selected_channels(None, NAMES) is None


def test_numbers_ports_and_names_select_channels_in_their_order() -> None:
    assert selected_channels(["south", "0", "out_1", "7"], NAMES) == (2, 0, 1, 7)


@pytest.mark.parametrize("channel", ["sout", "-1", "1.5", "²", "256", "out_256", ""])
def test_an_unknown_channel_is_refused_with_the_known_names(channel: str) -> None:
    with pytest.raises(RequestError, match=r"north \(0\), east \(1\), south \(2\)") as caught:
        selected_channels([channel], NAMES)
    assert (caught.value.code, caught.value.field) == ("source_channels_invalid", "channels")


def test_a_similar_name_is_suggested() -> None:
    with pytest.raises(RequestError, match="Did you mean 'south'"):
        selected_channels(["sout"], NAMES)


def test_a_source_without_names_is_said_to_have_none() -> None:
    with pytest.raises(RequestError, match="no `channel_names`"):
        selected_channels(["north"])


def test_an_empty_selection_is_refused() -> None:
    with pytest.raises(RequestError, match="No channel is selected"):
        selected_channels([], NAMES)


def test_a_channel_is_called_by_its_name_or_else_by_its_number() -> None:
    assert channel_labels((2, 0, 7), 3, NAMES) == ("south", "north", "7")
    assert channel_labels(None, 4, NAMES) == (*NAMES, "3")


@pytest.mark.parametrize("names", ["north,north", "0", "out_3", "a b", "x" * 65])
def test_the_names_of_a_source_are_distinct_and_cannot_be_mistaken_for_numbers(names: str) -> None:
    with pytest.raises(ValueError, match="channel"):
        SourceSettings(name="pond", url="a.wav", channel_names=names)
