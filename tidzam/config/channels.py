"""The names that a profile gives to the channels of a source, and the notations that select channels."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from tidzam.config.section import Names
from tidzam.naming import MAX_CHANNELS, channel_name, channel_number

FORMS = f"a number from 0 to {MAX_CHANNELS - 1}, out_ and a number, or a name from the profile's `channel_names`"


def channel_selection(channels: tuple[str, ...]) -> tuple[str, ...]:
    """`channels`, if each is a number or could be a name. Raises ValueError."""
    if not channels:
        raise ValueError(f"no channel is selected; expected {FORMS}")
    for channel in channels:
        if channel_number(channel) is None:
            _require_name(channel)
    return channels


def _numbers_as_text(value: object) -> object:
    """Allow `5` and `[5, north]` as YAML reads them."""
    channels = [value] if type(value) is int else value
    return [str(one) if type(one) is int else one for one in channels] if isinstance(channels, list) else channels


def _require_name(channel: str) -> None:
    try:
        channel_name(channel)
    except ValueError:
        raise ValueError(f"expected of each channel {FORMS}") from None


def _distinct_names(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        channel_name(name)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"several channels have the name {', '.join(twice)}")
    if len(names) > MAX_CHANNELS:
        raise ValueError(f"there are {len(names)} names, at most {MAX_CHANNELS} are allowed")
    return names


ChannelNames = Annotated[Names, AfterValidator(_distinct_names)]
"""Distinct names of the channels of a source, from channel 0 on."""
ChannelSelection = Annotated[Names, BeforeValidator(_numbers_as_text), AfterValidator(channel_selection)]
"""Channels by number, as `out_N`, or by name."""
