"""Which channels of a source are selected: by number, as `out_N`, or by a name that the profile gives. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tidzam.errors import RequestError
from tidzam.naming import MAX_CHANNELS, channel_number
from tidzam.protocol.messages import quote
from tidzam.suggest import did_you_mean

MAX_LISTED = 40


def selected_channels(channels: Sequence[str] | None, names: Sequence[str] = ()) -> tuple[int, ...] | None:
    """The numbers of `channels`, from 0 and in their order; None for all. `names` are those of channels 0, 1, …

    Raises RequestError (`source_channels_invalid`) for a channel that is neither a number nor one of `names`.
    """
    if channels is None:
        return None
    if not channels:
        raise _invalid("No channel is selected.", names)
    return tuple(_selected(channel, names) for channel in channels)


def channel_labels(selected: Sequence[int] | None, count: int, names: Sequence[str]) -> tuple[str, ...]:
    """What the `count` ports of a source contain: the name of each channel, or its number if it has no name."""
    numbers = range(count) if selected is None else selected
    return tuple(names[number] if number < len(names) else str(number) for number in numbers)


def _selected(channel: str, names: Sequence[str]) -> int:
    if channel in names:
        return names.index(channel)
    number = channel_number(channel)
    if number is None:
        raise _invalid(f"There is no channel {quote(channel)}.", names, did_you_mean(channel, names))
    return number


def _invalid(message: str, names: Sequence[str], question: str = "") -> RequestError:
    known = ", ".join(f"{name} ({number})" for number, name in enumerate(names[:MAX_LISTED]))
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    named = f"The names are {known}{more}." if names else "The profile gives this source no `channel_names`."
    numbers = f"Numbers from 0 to {MAX_CHANNELS - 1} select channels as well, such as 0,2,3."
    hint = f"{question}{named} {numbers}"
    return RequestError(message, hint=hint, field="channels", code="source_channels_invalid")
