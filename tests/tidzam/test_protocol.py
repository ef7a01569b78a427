"""Requests as the wire spells them, and events as clients of years ago read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.errors import RequestError
from tidzam.protocol import analyzer, messages, recordings, stream_manager
from tidzam.protocol.analyzer import MESSAGES, Subscribe, analysis_event, sys_event
from tidzam.protocol.classifiers import parse_classifier_request
from tidzam.protocol.examples.stream_manager import COPIED, REPLAYED, SOURCE
from tidzam.protocol.extraction import SampleExtractionRequest
from tidzam.protocol.messages import Message, WireTime, parse
from tidzam.protocol.recordings import ListDatabases
from tidzam.protocol.source_requests import ListSources, LoadSource, ReleaseSource, UnloadSource
from tidzam.protocol.source_status import SourceStatus
from tidzam.protocol.stream_manager import parse_request
from tidzam.results import Analysis

URL = "http://example.org/a.ogg"


def load(**fields: Any) -> Any:
    return parse_request({"sys": {"loadsource": {"name": "pond", "url": URL, **fields}}})


def refusal(data: Any) -> RequestError:
    with pytest.raises(RequestError) as caught:
        parse_request(data)
    return caught.value


def test_the_envelope_may_be_left_out() -> None:
    assert parse_request({"loadsource": {"name": "pond", "url": URL}}) == load()


@pytest.mark.parametrize("spelling", [True, 1, "True", "true"])
def test_spellings_of_true(spelling: Any) -> None:
    assert load(is_permanent=spelling).is_permanent is True


def test_channels_are_names_or_numbers() -> None:
    assert load(channels="1, 3").channels == load(channels=[1, 3]).channels == ("1", "3")
    assert load(channels=2).channels == ("2",)


def test_only_a_name_unloads_as_the_original_prints_it() -> None:
    assert parse_request({"sys": {"loadsource": {"name": "pond"}}}) == ReleaseSource(name="pond")
    assert parse_request({"sys": {"unloadsource": {"name": "pond"}}}) == UnloadSource(name="pond")


@pytest.mark.parametrize("empty", ["", None, {}])
def test_sources_needs_no_content(empty: Any) -> None:
    assert parse_request({"sys": {"sources": empty}}) == ListSources()


def test_all_faults_are_told_at_once_with_the_nearest_known_key() -> None:
    error = refusal({"loadsource": {"name": "a b", "url": URL, "chanels": "1", "is_permanent": "perhaps"}})
    assert error.code == "request"
    assert error.field == "name"
    for part in ("'a b'", "unknown key 'chanels' (did you mean 'channels'?)", "'perhaps'"):
        assert part in str(error)


@pytest.mark.parametrize(
    "name", ["pond-ice", "tidzam", "tidzam-livestreams", "", "a" * 60, "a/b", "a:b", "a\n", ".", ".."]
)
def test_names_that_cannot_be(name: str) -> None:
    assert refusal({"loadsource": {"name": name, "url": URL}}).field == "name"


def test_a_name_that_is_too_long_for_jack_is_refused_with_the_limit() -> None:
    assert load(name="a" * 59).name == "a" * 59
    assert "the name has 60 characters, at most 59 are allowed" in str(
        refusal({"loadsource": {"name": "a" * 60, "url": URL}})
    )


def test_an_unknown_command_is_told_the_nearest() -> None:
    assert "did you mean 'loadsource'?" in str(refusal({"sys": {"loadsourc": {}}}))


@pytest.mark.parametrize("data", [None, 1, "sys", [], {}, {"sys": None}, {"sys": {}}, {"sys": {"a": 1, "b": 2}}])
def test_what_is_no_command_is_refused(data: Any) -> None:
    assert refusal(data).code == "request"


def test_a_copied_source_has_no_channels_to_choose() -> None:
    assert refusal({"loadsource": {"name": "pond", "url": URL, "format": "copy", "channels": "0"}}).field == "channels"


def test_a_url_is_needed() -> None:
    assert refusal({"loadsource": {"name": "pond", "is_permanent": True}}).field == "url"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(json_values)
def test_any_content_is_either_parsed_or_refused(content: Any) -> None:
    for data in (content, {"sys": content}, {"sys": {"loadsource": content}}, {"sys": {"unloadsource": content}}):
        try:
            parse_request(data)
        except RequestError as error:
            assert error.as_wire()["message"]


class Timed(Message):
    at: WireTime


def test_times_with_and_without_a_fraction_are_utc() -> None:
    moment = datetime(2026, 5, 1, 6, 30, 0, tzinfo=UTC)
    assert parse(Timed, {"at": "2026-05-01-06-30-00"}).at == moment
    assert parse(Timed, {"at": "2026-05-01-06-30-00.250"}).at == moment.replace(microsecond=250_000)
    with pytest.raises(RequestError, match="YYYY-MM-DD-HH-MM-SS"):
        parse(Timed, {"at": "yesterday"})


ANALYSIS = Analysis(
    channel="pond:out_0",
    start=datetime(2026, 5, 1, 6, 30, 0, 123_456, tzinfo=UTC),
    end=datetime(2026, 5, 1, 6, 30, 1, 123_456, tzinfo=UTC),
    start_frame=441,
    result=("birds-warbler",),
    probabilities={"birds": 0.9, "birds-warbler": 0.81234567},
    level_dbfs=-20.04,
    gap_frames=0,
)


def test_the_frozen_sys_event() -> None:
    assert sys_event([ANALYSIS]) == [
        {
            "chan": "pond:out_0",
            "analysis": {
                "time": "2026-05-01-06-30-00.123",
                "result": ["birds-warbler"],
                "predicitions": {"birds": 0.9, "birds-warbler": 0.8123},
            },
        }
    ]


def test_of_thousands_of_classes_those_without_a_probability_are_left_out() -> None:
    values = {f"species {number}": 0.0 for number in range(3000)} | {"owl": 0.9, "wren": 0.00006, "crow": 0.00004}
    many = replace(ANALYSIS, probabilities=values)
    assert sys_event([many])[0]["analysis"]["predicitions"] == {"owl": 0.9, "wren": 0.0001}
    assert analysis_event(many, {}, node="garden").predictions == {"owl": 0.9, "wren": 0.0001}


def test_of_few_classes_all_are_listed() -> None:
    few = replace(ANALYSIS, probabilities={"owl": 0.9, "wren": 0.0})
    assert sys_event([few])[0]["analysis"]["predicitions"] == {"owl": 0.9, "wren": 0.0}


def test_the_analysis_event_names_the_path() -> None:
    event = analysis_event(ANALYSIS, {"birds-warbler": ("birds", "birds-warbler")}, node="garden")
    assert event.source == "pond"
    assert event.paths == (("birds", "birds-warbler"),)
    assert event.model_dump(mode="json")["start"] == "2026-05-01T06:30:00.123456Z"


@pytest.mark.parametrize("rate", ["0.5", 0.5, "auto"])
def test_a_rate_of_clips_is_a_number_or_auto(rate: object) -> None:
    rules = parse(SampleExtractionRequest, {"set": "rules", "rules": {"pond": {"rate": rate}}}).rules
    assert rules is not None
    assert str(rules["pond"].rate) == str(rate)


@pytest.mark.parametrize("rate", ["AUTO", "", "nan", None, [1], 1.5, -1, 10**400])
def test_another_rate_of_clips_is_refused_by_a_sentence(rate: object) -> None:
    with pytest.raises(RequestError, match="a rate is a number from 0 to 1, or auto"):
        parse(SampleExtractionRequest, {"set": "rules", "rules": {"pond": {"rate": rate}}})


def test_subscribe_and_classifier_list() -> None:
    assert parse(Subscribe, {"events": ["detection"], "channels": "pond:*"}).channels == ("pond:*",)
    with pytest.raises(RequestError, match="events"):
        parse(Subscribe, {"events": ["sounds"]})
    assert parse_classifier_request({"sys": {"classifier": {"list": ""}}})


def test_the_frozen_event_and_refusals_are_in_the_schema() -> None:
    for event in sys_event([ANALYSIS]):
        assert MESSAGES["sys[]"].model_validate(event)
    refused = {"ok": False, "error": RequestError("No.", field="url").as_wire()}
    assert MESSAGES["refusal"].model_validate(refused)


@pytest.mark.parametrize(
    "module", [analyzer, messages, recordings, stream_manager], ids=lambda module: str(module.__name__)
)
def test_every_field_of_a_message_is_described(module: ModuleType) -> None:
    models = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Message)]
    lacking = [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert not lacking


@pytest.mark.parametrize("content", ["", {}, None])
def test_the_request_for_databases_of_tidzam_2019_is_understood(content: Any) -> None:
    assert parse_request({"sys": {"database": content}}) == ListDatabases()


def test_a_date_in_another_zone_is_read_as_utc() -> None:
    request = parse_request({"loadsource": {"name": "pond", "date": "2026-05-01-08-30-00+02:00"}})
    assert isinstance(request, LoadSource)
    assert request.date == datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize("example", [SOURCE, REPLAYED, COPIED], ids=lambda example: example["name"])
def test_the_examples_of_a_source_have_all_fields(example: dict[str, Any]) -> None:
    assert example.keys() == SourceStatus.model_fields.keys()


def test_an_empty_database_and_an_empty_date_are_none() -> None:
    assert load(database="", date="") == load()
