"""What the composition root works out: lengths, and the health that goes over the wire."""

from analyzer.app import band_remarks, health_message
from analyzer.health import LiveHealth, LiveStatistics
from analyzer.pipeline import Pipeline
from analyzer.source_rates import SourceRates
from tests.support.classifiers import flat
from tidzam.inference.cascade import Cascade
from tidzam.protocol.analyzer import AnalyzerFault, AnalyzerHealth, JackSource


def live(*channels: str, faults: tuple[AnalyzerFault, ...] = ()) -> LiveHealth:
    return LiveHealth(
        faults=faults, remarks=(), channels=channels, capture_pid=1, rate_hz=48000, statistics=LiveStatistics()
    )


def health_of(*channels: str, rates_hz: dict[str, int], faults: tuple[AnalyzerFault, ...] = ()) -> AnalyzerHealth:
    rates = SourceRates()
    rates.update(JackSource(name=name, rate_hz=rate_hz) for name, rate_hz in rates_hz.items())
    pipeline = Pipeline(Cascade([flat("selector", "birds")]))
    return health_message(live(*channels, faults=faults), pipeline, rates, node="garden", dropped_messages=0)


def test_a_channel_whose_source_lacks_the_band_is_named_narrow_with_rate_and_classifiers() -> None:
    health = health_of("phone:out_0", "wood:out_0", "new:out_0", rates_hz={"phone": 4000, "wood": 48000})
    assert [(one.state, one.source_rate_hz, one.left_out) for one in health.channel_states] == [
        ("band_limited", 4000, ("selector",)),
        ("listening", 48000, ()),
        ("listening", None, ()),
    ]
    (remark,) = band_remarks(health)
    assert remark.startswith("Channel phone:out_0 is band_limited: its source has 4000 Hz")
    assert health.faults == ()


def test_faults_keep_their_origin_on_the_wire() -> None:
    fault = AnalyzerFault(code="stalled", origin="jack", message="The JACK server has stopped.")
    health = health_of(rates_hz={}, faults=(fault,))
    assert AnalyzerHealth.model_validate(health.model_dump(mode="json")).faults == (fault,)
