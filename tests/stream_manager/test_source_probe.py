"""What is at an address is found out without loading it, by the rules for sources of clients."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile

from stream_manager.services import Services
from stream_manager.source_probe import MOST_WAITING, SourceProbes
from tests.support.services import services
from tests.support.sound import tone
from tests.support.web import web_server
from tidzam.errors import RequestError
from tidzam.protocol.source_requests import ProbeSource
from tidzam.protocol.source_status import SourceProbe
from tidzam.protocol.stream_manager import parse_request


def serving(folder: Path) -> Services:
    shared = services()
    return replace(shared, settings=shared.settings.model_copy(update={"media_roots": (folder,)}))


async def probed(folder: Path, *, trusted: bool = False, **fields: Any) -> SourceProbe:
    request = parse_request({"sys": {"probesource": fields}})
    assert isinstance(request, ProbeSource)
    return await SourceProbes(serving(folder)).probe(request, trusted=trusted)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A media root with a file of sound, and one of text."""
    root = tmp_path_factory.mktemp("media")
    soundfile.write(root / "wren.flac", tone(440, duration_s=2), 44100)
    (root / "notes.txt").write_text("A wren at dawn.")
    return root


async def test_a_file_has_channels_a_rate_and_a_length(folder: Path) -> None:
    found = await probed(folder, url="wren.flac")
    assert (found.channels, found.rate_hz, found.duration_s, found.is_live) == (1, 44100, 2.0, False)


async def test_a_client_with_the_token_may_test_an_address_of_the_own_network(folder: Path) -> None:
    with web_server(folder) as host:
        found = await probed(folder, url=f"http://{host}/wren.flac", trusted=True)
    assert found.channels == 1


@pytest.mark.parametrize(
    ("fields", "trusted", "code"),
    [
        ({"url": "notes.txt"}, False, "source_not_audio"),
        ({"url": "none.flac"}, False, "source_not_found"),
        ({"url": "/etc/passwd"}, True, "request"),
        ({"url": "wren.flac", "channels": "3"}, False, "source_channels"),
        ({"url": "http://127.0.0.1:9/pond.ogg"}, False, "address_not_allowed"),
        ({"url": "http://169.254.169.254/latest"}, True, "address_not_allowed"),
        ({"url": "http://127.0.0.1:9/pond.ogg"}, True, "source_unreachable"),
        ({"url": "wren.flac", "channels": "0", "format": "copy"}, False, "request"),
    ],
)
async def test_what_cannot_be_played_is_refused_with_its_reason(
    folder: Path, fields: dict[str, Any], trusted: bool, code: str
) -> None:
    with pytest.raises(RequestError) as refused:
        await probed(folder, trusted=trusted, **fields)
    assert refused.value.code == code


async def test_the_reason_holds_no_password(folder: Path) -> None:
    with pytest.raises(RequestError) as refused:
        await probed(folder, url="http://heron:secret@127.0.0.1:9/pond.ogg", trusted=True)
    assert "secret" not in str(refused.value)


async def test_more_tests_than_can_wait_are_refused(folder: Path) -> None:
    probes, wanted = SourceProbes(serving(folder)), ProbeSource(url="wren.flac")
    asked = [probes.probe(wanted, trusted=False) for _ in range(MOST_WAITING + 1)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [getattr(answer, "code", None) for answer in answers] == [None] * MOST_WAITING + ["rate_limited"]
