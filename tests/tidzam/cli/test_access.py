"""The report of `tidzam start` on who may manage and listen."""

from __future__ import annotations

from pathlib import Path

from tidzam.cli.access import access_lines
from tidzam.config import Settings
from tidzam.config.settings import AccessSettings, AnalyzerSettings

TOKEN = Path("/srv/node/token")


def test_on_loopback_all_programs_of_this_machine_may_manage() -> None:
    assert access_lines(Settings(), TOKEN) == [
        "The stream manager and the analyzer can be managed by any program on this machine. Token: /srv/node/token"
    ]


def test_on_another_address_the_token_and_its_file_are_named() -> None:
    lines = access_lines(Settings(analyzer=AnalyzerSettings(host="0.0.0.0")), TOKEN)
    assert lines[0] == "The analyzer can be managed only with the token in /srv/node/token"
    assert lines[1].startswith("The stream manager can be managed by any program on this machine.")


def test_a_server_that_was_opened_to_the_network_is_named() -> None:
    settings = Settings(analyzer=AnalyzerSettings(host="0.0.0.0"), access=AccessSettings(manage="open", listen="token"))
    lines = access_lines(settings, TOKEN)
    assert "any program that can connect to it" in lines[0]
    assert lines[1] == "Listening requires the token, too."


def test_a_path_that_is_not_unicode_is_printable() -> None:
    access_lines(Settings(), Path("/srv/\udcff/token"))[0].encode()
