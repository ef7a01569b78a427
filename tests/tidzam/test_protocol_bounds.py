"""Whatever a request holds, it is parsed or refused in a short sentence, quickly, and never with a traceback."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hostile_messages import mutations
from tidzam.errors import RequestError
from tidzam.protocol.analyzer import Subscribe, parse_jack_sources
from tidzam.protocol.classifiers import parse_classifier_request
from tidzam.protocol.examples.analyzer import ANALYZER_REQUESTS
from tidzam.protocol.examples.stream_manager import STREAM_MANAGER_REQUESTS
from tidzam.protocol.live_streams import parse_audio
from tidzam.protocol.messages import echo, parse, quote
from tidzam.protocol.source_requests import LoadSource, UnloadSource
from tidzam.protocol.stream_manager import parse_request, reads_only

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | st.binary()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner), max_leaves=20
)
FIELDS = st.sampled_from([*LoadSource.model_fields, *Subscribe.model_fields, "list", "unknown"])
CONTENT = st.dictionaries(FIELDS, VALUES) | VALUES
COMMANDS = st.sampled_from(["loadsource", "unloadsource", "sources", "database", "add_livestream", "classifier", "x"])
REQUESTS = (
    VALUES | st.dictionaries(st.just("sys"), st.dictionaries(COMMANDS, CONTENT)) | st.dictionaries(COMMANDS, CONTENT)
)


@given(REQUESTS)
def test_any_request_is_parsed_or_refused(data: Any) -> None:
    reads_only(data)
    for read in (parse_request, parse_classifier_request, lambda data: parse(Subscribe, data)):
        with suppress(RequestError):
            read(data)


@settings(max_examples=1000)
@given(
    mutations(
        [one.request for one in (*STREAM_MANAGER_REQUESTS, *ANALYZER_REQUESTS)]
        + [{"buffer": bytes(4), "samplerate": 8000}]
    )
)
def test_a_changed_request_is_parsed_or_refused(data: Any) -> None:
    reads_only(data)
    for read in (
        parse_request,
        parse_classifier_request,
        parse_jack_sources,
        parse_audio,
        lambda data: parse(Subscribe, data),
    ):
        with suppress(RequestError):
            read(data)


@given(VALUES)
def test_any_value_is_quoted_and_echoed_in_bounds(value: Any) -> None:
    assert len(quote(value)) <= 81
    assert len(json.dumps(echo(value))) <= 1000


@pytest.mark.parametrize(
    "data",
    [
        {f"key-{number}" * 50: number for number in range(256)},
        {"name": "x" * 8000, "url": "y" * 8000, "channels": ["z" * 8000] * 1000},
        {"name": ["a"] * 1000, "channels": {"a": "b" * 8000}},
        {"name": "pond", "channels": "9" * 5000},
        {"name": "pond", "channels": ["1"] * 1000},
        {"name": "pond", "date": "9" * 5000},
        {"name": "pond", "is_permanent": "y" * 8000},
    ],
)
def test_a_refusal_names_the_first_faults_in_a_short_sentence(data: dict[str, Any]) -> None:
    start = time.process_time()
    with pytest.raises(RequestError) as caught:
        parse(LoadSource, data)
    assert len(str(caught.value)) < 1000
    assert len(caught.value.field or "") <= 80
    assert time.process_time() - start < 0.5


def test_a_wrong_name_is_refused_however_it_is_spelled() -> None:
    for name in ("../x", "a b", "x" * 65, "", "a\n", "é", "²", "-ice", None, 5, ["a"]):
        with pytest.raises(RequestError):
            parse(UnloadSource, {"name": name})


@pytest.mark.parametrize(
    "data", [{"loadsource": {}}, {"sys": {"unloadsource": {}}}, {}, [], None, {"sys": {"sources": 1, "x": 2}}]
)
def test_only_requests_that_certainly_change_nothing_need_no_right_to_manage(data: Any) -> None:
    assert not reads_only(data)


def test_reading_requests_are_known() -> None:
    assert reads_only({"sys": {"sources": ""}})
    assert reads_only({"database": ""})


def test_a_long_request_is_echoed_by_its_beginning() -> None:
    assert echo({"a": 1}) == {"a": 1}
    assert list(echo({"a": "x" * 5000})) == ["truncated"]
    assert echo(b"\0" * 1_000_000) == quote(b"\0" * 1_000_000)
