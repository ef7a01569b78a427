"""Settings that are derived from others."""

from __future__ import annotations

import pytest

from tidzam.config.settings import IcecastSettings, StreamManagerSettings
from tidzam.config.sources import SourceSettings


@pytest.mark.parametrize(
    ("host", "reachable"), [("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("", "127.0.0.1"), ("pond.lan", "pond.lan")]
)
def test_a_server_on_every_address_is_reached_at_this_machines(host: str, reachable: str) -> None:
    assert IcecastSettings(host=host).reachable_host == reachable


def test_an_encoder_is_not_blamed_for_a_player_that_hangs() -> None:
    """It receives nothing while JACK waits for the player, which has to be replaced first."""
    assert IcecastSettings().silence_timeout_s > StreamManagerSettings().player_timeout_s + 3


@pytest.mark.parametrize("channels", ["29, 3, north", [29, 3, "north"], ["29", "3", "north"]])
def test_channels_may_be_numbers_as_yaml_reads_them(channels: object) -> None:
    assert SourceSettings(name="a", url="x", channels=channels).channels == ("29", "3", "north")


def test_one_channel_may_be_a_number() -> None:
    assert SourceSettings(name="a", url="x", channels=5).channels == ("5",)
