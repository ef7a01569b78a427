"""The true rates of sources, as the stream manager reports them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from analyzer.live.source_rates import SourceRates
from tidzam.errors import RequestError
from tidzam.protocol.analyzer import parse_jack_sources


def test_rates_are_kept_by_source_and_the_last_word_counts() -> None:
    rates = SourceRates()
    rates.update(parse_jack_sources([{"name": "pond", "rate_hz": 8000}, {"name": "wood", "rate_hz": 48000}]))
    assert rates.of_channel("pond:out_0") == rates.of_channel("pond:out_31") == 8000
    assert rates.of_channel("wood:out_0") == 48000
    assert rates.of_channel("lake:out_0") is None
    rates.update(parse_jack_sources([{"name": "pond", "rate_hz": 44100}]))
    assert rates.of_channel("pond:out_0") == 44100
    assert rates.of_channel("wood:out_0") == 48000


def test_a_source_reported_without_a_rate_has_an_unknown_rate() -> None:
    rates = SourceRates()
    rates.update(parse_jack_sources([{"name": "pond", "rate_hz": 8000}]))
    rates.update(parse_jack_sources([{"name": "pond", "starting_time": "2026-05-01-06-30-00"}]))
    assert rates.of_channel("pond:out_0") is None


def test_a_live_stream_has_a_rate_of_its_own() -> None:
    rates = SourceRates()
    rates.update(parse_jack_sources([{"name": "tidzam-livestreams:out_1", "rate_hz": 8000}]))
    assert rates.of_channel("tidzam-livestreams:out_1") == 8000
    assert rates.of_channel("tidzam-livestreams:out_0") is None


def test_memory_is_bounded_for_any_number_of_sources() -> None:
    rates = SourceRates()
    for number in range(100):
        rates.update(parse_jack_sources([{"name": f"s{number}-{k}", "rate_hz": 8000} for k in range(100)]))
    assert rates.of_channel("s0-0:out_0") is None
    assert rates.of_channel("s99-99:out_0") == 8000


def test_a_single_source_and_a_time_of_the_wire_are_understood() -> None:
    (source,) = parse_jack_sources({"name": "pond", "starting_time": "2026-05-01-06-30-00.250"})
    assert source.starting_time == datetime(2026, 5, 1, 6, 30, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "data",
    [
        None,
        "pond",
        5,
        [5],
        [[{"name": "pond"}]],
        {"name": "../pond"},
        {"rate_hz": 8000},
        {"name": "pond", "rate_hz": 0},
        {"name": "pond", "rate_hz": -8000},
        {"name": "pond", "rate_hz": 10**30},
        {"name": "pond", "rate_hz": "fast"},
        {"name": "pond", "color": "green"},
        [{"name": "pond"}] * 1000,
    ],
)
def test_reports_without_a_source_are_refused(data: Any) -> None:
    with pytest.raises(RequestError):
        parse_jack_sources(data)
