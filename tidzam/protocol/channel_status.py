"""The state of a captured channel: whether its audio holds the band that the classifiers need."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from tidzam.protocol.messages import Message
from tidzam.results import ChannelState


class ChannelStatus(Message):
    """A captured channel. It is `band_limited` if its source, or JACK, lacks a part of the band that classifiers need.

    They run on it nevertheless, unless the setting `strict` has them left out.
    """

    channel: str = Field(description="Port name")
    state: ChannelState = Field(description="Whether it holds the band that the classifiers need")
    source_rate_hz: int | None = Field(None, description="Sample rate of the source; unknown if None")
    left_out: tuple[str, ...] = Field((), description="Classifiers that do not run on this channel (`strict`)")
    waiting: tuple[str, ...] = Field(
        (), description="Classifiers whose windows are longer than what was captured of the channel so far"
    )
    missing_band: dict[str, float] = Field(
        default_factory=dict,
        description="By classifier that needs more band, the share of its band that is missing, 0 to 1",
    )

    @property
    def remark(self) -> str | None:
        """A sentence about a channel that does not hold all of the band; None about the others."""
        if self.state is ChannelState.LISTENING:
            return None
        refused = f", which {'do' if len(self.left_out) > 1 else 'does'} not run on it" if self.left_out else ""
        return (
            f"Channel {self.channel} is {self.state.replace('_', ' ')}: it lacks {lacking(self.missing_band)}{refused}."
        )


def lacking(missing_band: Mapping[str, float]) -> str:
    """The shares of the bands of classifiers that are missing, as words.

    >>> lacking({"selector": 0.625, "birdnet": 0.004})
    '62 % of the band of classifier selector and less than 1 % of the band of classifier birdnet'
    """
    return " and ".join(
        f"{f'{100 * share:.0f} %' if share >= 0.005 else 'less than 1 %'} of the band of classifier {name}"
        for name, share in missing_band.items()
    )
