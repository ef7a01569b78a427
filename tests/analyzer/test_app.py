"""What the composition root works out: lengths, and the health that goes over the wire."""

from dataclasses import replace

import pytest

from analyzer.live.health import LiveHealth, LiveStatistics
from analyzer.live.health_message import health_message
from analyzer.live.source_rates import SourceRates
from analyzer.pipeline import Pipeline
from tests.support.classifiers import SPEC, flat
from tidzam.inference.cascade import Cascade
from tidzam.protocol.analyzer import AnalyzerFault, AnalyzerHealth, JackSource


def live(*channels: str, faults: tuple[AnalyzerFault, ...] = ()) -> LiveHealth:
    return LiveHealth(
        faults=faults, remarks=(), channels=channels, capture_pid=1, rate_hz=48000, statistics=LiveStatistics()
    )


def health_of(
    *channels: str, rates_hz: dict[str, int], faults: tuple[AnalyzerFault, ...] = (), strict: bool = False
) -> AnalyzerHealth:
    rates = SourceRates()
    rates.update(JackSource(name=name, rate_hz=rate_hz) for name, rate_hz in rates_hz.items())
    pipeline = Pipeline(Cascade([flat("selector", "birds")]), strict=strict)
    return health_message(live(*channels, faults=faults), pipeline, rates, node="garden", dropped_messages=0)


@pytest.mark.parametrize("strict", [False, True])
def test_a_channel_whose_source_lacks_band_is_named_with_the_share_that_is_missing(strict: bool) -> None:
    health = health_of("phone:out_0", "wood:out_0", "new:out_0", rates_hz={"phone": 4000, "wood": 96000}, strict=strict)
    left_out = ("selector",) if strict else ()
    assert [(one.state, one.source_rate_hz, one.left_out) for one in health.channel_states] == [
        ("band_limited", 4000, left_out),
        ("listening", 96000, ()),
        ("listening", None, ()),
    ]
    assert health.channel_states[0].missing_band == {"selector": pytest.approx(0.5, abs=0.02)}
    assert health.faults == ()


@pytest.mark.parametrize(("strict", "end"), [(False, ""), (True, ", which does not run on it")])
def test_a_band_limited_channel_is_remarked(strict: bool, end: str) -> None:
    (channel,) = health_of("phone:out_0", rates_hz={"phone": 4000}, strict=strict).channel_states
    assert (
        channel.remark == f"Channel phone:out_0 is band limited: it lacks 51 % of the band of classifier selector{end}."
    )


def test_at_a_rate_of_jack_below_that_of_the_classifiers_every_channel_is_band_limited() -> None:
    pipeline = Pipeline(Cascade([flat("selector", "birds")]))
    narrow = replace(live("wood:out_0"), rate_hz=4000)
    (channel,) = health_message(narrow, pipeline, SourceRates(), node="garden", dropped_messages=0).channel_states
    assert channel.state == "band_limited"


def test_faults_keep_their_origin_on_the_wire() -> None:
    fault = AnalyzerFault(code="stalled", origin="jack", message="The JACK server has stopped.")
    health = health_of(rates_hz={}, faults=(fault,))
    assert AnalyzerHealth.model_validate(health.model_dump(mode="json")).faults == (fault,)


def test_a_young_channel_names_the_classifiers_that_wait_for_longer_windows() -> None:
    longer = replace(SPEC, window_s=3.0)
    pipeline = Pipeline(Cascade([flat("selector", "birds"), flat("birds", "owl", spec=longer)]))
    captured = replace(live("young:out_0", "old:out_0"), heard_s={"young:out_0": 2.5, "old:out_0": 3.0})
    health = health_message(captured, pipeline, SourceRates(), node="garden", dropped_messages=0)
    assert [one.waiting for one in health.channel_states] == [("birds",), ()]
