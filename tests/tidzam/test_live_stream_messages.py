"""The messages of live streams."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.errors import RequestError
from tidzam.protocol.analyzer import JackSource, parse_jack_sources
from tidzam.protocol.live_streams import AddLiveStream, Audio, DeleteLiveStream, parse_audio
from tidzam.protocol.stream_manager import parse_request


def test_bytes_alone_are_44100_hz() -> None:
    assert parse_audio(b"\1\2") == Audio(buffer=b"\1\2", samplerate=44100, storage=False)


def test_a_message_names_its_rate_and_storage() -> None:
    audio = parse_audio({"buffer": b"\1\2", "samplerate": 8000, "storage": "True"})
    assert (audio.samplerate, audio.storage) == (8000, True)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"\1", "buffer"),
        ("text", "buffer"),
        (None, "buffer"),
        ({"buffer": [1, 2]}, "buffer"),
        ({"buffer": b"", "samplerate": 7999}, "samplerate"),
        ({"buffer": b"", "samplerate": 192001}, "samplerate"),
        ({"buffer": b"", "rate": 8000}, "rate"),
        ({"samplerate": 8000}, "buffer"),
    ],
)
def test_anything_else_is_refused_with_its_field(data: Any, field: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_audio(data)
    assert caught.value.field == field


@given(st.recursive(st.none() | st.binary() | st.text() | st.integers() | st.floats(), st.lists, max_leaves=5))
def test_any_content_is_either_parsed_or_refused(content: Any) -> None:
    for data in (content, {"buffer": content}, {"buffer": b"", "samplerate": content, "storage": content}):
        try:
            parse_audio(data)
        except RequestError as error:
            assert error.as_wire()["message"]


@pytest.mark.parametrize("empty", ["", None, {}])
def test_the_requests_as_tidzam_2019_prints_them(empty: Any) -> None:
    assert parse_request({"sys": {"add_livestream": empty}}) == AddLiveStream()
    assert parse_request({"sys": {"del_livestream": empty}}) == DeleteLiveStream()


def test_live_streams_are_reported_to_the_analyzer_by_their_ports() -> None:
    (source,) = parse_jack_sources({"name": "tidzam-livestreams:out_3", "rate_hz": 8000})
    assert source == JackSource(name="tidzam-livestreams:out_3", rate_hz=8000)


@pytest.mark.parametrize("name", ["tidzam-livestreams", "tidzam-livestreams:in_0", "pond:out_0"])
def test_no_other_reserved_name_or_port_is_a_source(name: str) -> None:
    with pytest.raises(RequestError):
        parse_jack_sources({"name": name})
