"""Selector and experts: their places, which runs on which window, and the joint probabilities."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.pipeline import Pipeline, measured
from tests.support.bundles import write_tone_bundle
from tests.support.classifiers import SPEC, Activation, Projection, cascades, classifier, flat
from tests.support.sound import tone
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import AudioError, BundleError
from tidzam.inference.cascade import Cascade, Classifier, order
from tidzam.inference.decision import decide
from tidzam.labels import UNKNOWN
from tidzam.types import Float32


def three_levels(seed: int = 0) -> list[Classifier]:
    """In no order: the cascade is to find it."""
    return [
        flat("owls", "owls-barn", "owls-snowy", seed=seed),
        classifier("birds", {"owls": None, "wrens": None, "wrens-house": "wrens"}, seed=seed + 1),
        flat("selector", "birds", "rain", seed=seed + 2),
    ]


def windows(seed: int, count: int = 12) -> Float32:
    rng = np.random.default_rng(seed)
    loudness = 10 ** rng.uniform(-4, 0, (count, 1))
    return (rng.normal(0, 0.3, (count, SPEC.window_samples)) * loudness).astype(np.float32)


def test_the_tree_is_that_of_all() -> None:
    cascade = Cascade(three_levels())
    assert [one.name for one in cascade.classifiers] == ["selector", "birds", "owls"]
    assert cascade.labels.path("owls-barn") == ("birds", "owls", "owls-barn")
    assert cascade.labels.path("wrens-house") == ("birds", "wrens", "wrens-house")
    assert cascade.labels.roots == ("birds", "rain")


@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_a_child_is_never_likelier_than_its_parent(seed: int) -> None:
    cascade = Cascade(three_levels(seed), gate=0)
    for probabilities in cascade.predict(windows(seed), SPEC.rate_hz):
        assert set(probabilities) == set(cascade.classes)
        for label, probability in probabilities.items():
            parent = cascade.labels.parents[label]
            assert 0 <= probability <= 1
            assert parent is None or probability <= probabilities[parent]


def union(values: list[float]) -> float:
    """The probability that at least one of several independent events occurs."""
    return 1 - float(np.prod([1 - value for value in values]))


@given(classifiers=cascades(), seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_the_children_of_each_class_and_its_remainder_sum_to_it(classifiers: list[Classifier], seed: int) -> None:
    cascade = Cascade(classifiers, gate=0)
    below: dict[str, list[Classifier]] = {}
    for one in cascade.classifiers:
        below.setdefault(UNKNOWN if one.manifest.is_root else one.manifest.place, []).append(one)
    for found in cascade.classify(windows(seed, count=4), SPEC.rate_hz):
        assert set(found.remainders) == set(below)
        for node, experts in below.items():
            whole = 1.0 if node == UNKNOWN else found.probabilities[node]
            named = []  # the share of the node that each expert gives to its classes
            for expert in experts:
                children = [found.probabilities[label] / whole for label in expert.manifest.classes] if whole else [0.0]
                named.append(sum(children) if expert.manifest.activation == "softmax" else union(children))
            assert found.remainders[node] + whole * union(named) == pytest.approx(whole, abs=1e-4)


def test_two_experts_refine_one_class() -> None:
    owls, wrens = flat("owls", "barn", "snowy", parent="birds", seed=1), flat("wrens", "house", parent="birds", seed=2)
    cascade = Cascade([owls, wrens, flat("selector", "birds", "rain", seed=3)], gate=0)
    assert cascade.labels.children("birds") == ("barn", "snowy", "house")
    for found in cascade.classify(windows(3), SPEC.rate_hz):
        left = found.probabilities["birds"]
        for label in ("barn", "snowy", "house"):
            left *= 1 - found.probabilities[label] / found.probabilities["birds"]
        assert found.remainders["birds"] == pytest.approx(left, abs=1e-5)


def test_a_class_whose_expert_did_not_run_has_no_remainder() -> None:
    cascade, sound = Cascade(three_levels(5), gate=0.5), windows(5, count=40)
    found = cascade.classify(sound, SPEC.rate_hz)
    assert {("birds" in one.remainders) == (one.probabilities["birds"] >= 0.5) for one in found} == {True}


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_classes_that_are_not_reported_count_in_the_remainder(activation: Activation) -> None:
    owls = flat("owls", "barn", "snowy", parent="birds", seed=1, activation=activation)
    cascade, sound = Cascade([flat("selector", "birds"), owls], gate=0), windows(3, count=4)
    hidden = np.tile([label == "barn" for label in cascade.classes], (len(sound), 1))
    for found in cascade.classify(sound, SPEC.rate_hz, hidden=hidden):
        assert set(found.probabilities) == {"birds", "snowy"}
        rest = found.probabilities["birds"] - found.probabilities["snowy"]
        assert found.remainders["birds"] == pytest.approx(rest, abs=1e-5)


def test_a_cascade_of_six_levels_multiplies_down_to_its_last_class() -> None:
    chain = [flat("selector", "c0")] + [flat(f"c{k}", f"c{k + 1}", seed=k) for k in range(5)]
    cascade = Cascade(reversed(chain), gate=0)
    (alone,) = cascade.classify(windows(2, count=1), SPEC.rate_hz)
    product = 1.0
    for one in cascade.classifiers:
        (label,) = one.manifest.classes
        part = Cascade([flat("selector", label, seed=int(label[1]) - 1 if label != "c0" else 0)])
        product *= part.predict(windows(2, count=1), SPEC.rate_hz)[0][label]
    assert alone.probabilities["c5"] == pytest.approx(product, abs=1e-5)


@given(seed=st.integers(0, 10**6), gate=st.floats(0, 1, width=32))
@settings(max_examples=40, deadline=None)
def test_the_gate_leaves_out_experts_and_changes_nothing_else(seed: int, gate: float) -> None:
    gated, full = (Cascade(three_levels(seed), gate=value) for value in (gate, 0.0))
    sound = windows(seed)
    for some, every in zip(gated.predict(sound, SPEC.rate_hz), full.predict(sound, SPEC.rate_hz), strict=True):
        assert some == pytest.approx({label: every[label] for label in some}, abs=1e-5)
        missing = {label for label in every if label not in some}
        below = [expert for expert in ("birds", "owls") if every[expert] < gate]
        assert missing == {label for label in every for expert in below if expert in full.labels.path(label)[:-1]}


@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_results_reach_their_thresholds_and_name_no_ancestor(seed: int) -> None:
    cascade = Cascade(three_levels(seed))
    for probabilities in cascade.predict(windows(seed), SPEC.rate_hz):
        result = decide(probabilities, cascade.thresholds, cascade.labels)
        for label in () if result == (UNKNOWN,) else result:
            assert probabilities[label] >= cascade.thresholds[label]
            assert not set(cascade.labels.path(label)[:-1]) & set(result)


def test_a_batch_is_its_windows_one_by_one() -> None:
    cascade, sound = Cascade(three_levels()), windows(3)
    together = cascade.predict(sound, SPEC.rate_hz)
    for window, probabilities in zip(sound, together, strict=True):
        assert cascade.predict(window[None], SPEC.rate_hz)[0] == pytest.approx(probabilities, abs=1e-5)


def test_an_expert_runs_on_the_likely_windows_alone() -> None:
    cascade, sound = Cascade(three_levels(5), gate=0.5), windows(5, count=40)
    likely = sum(found["birds"] >= 0.5 for found in cascade.predict(sound, SPEC.rate_hz))
    network = cascade.classifiers[1].network
    assert isinstance(network, Projection)
    assert 0 < network.rows == likely < 40


def placed(name: str, *labels: str, seed: int = 0, root: bool = False, parent: str | None = None) -> Classifier:
    """A flat classifier whose manifest says where it runs."""
    made = flat(name, *labels, seed=seed)
    return replace(made, manifest=made.manifest.model_copy(update={"root": root, "parent": parent}))


def test_a_root_runs_on_every_window_beside_the_selector() -> None:
    cascade = Cascade([placed("cars", "engine", root=True), flat("selector", "birds")], gate=1.0)
    assert [one.name for one in cascade.classifiers] == ["selector", "cars"]
    assert cascade.labels.roots == ("birds", "engine")
    assert all(set(found) == {"birds", "engine"} for found in cascade.predict(windows(0), SPEC.rate_hz))


def test_a_root_alone_is_a_cascade() -> None:
    assert Cascade([placed("cars", "engine", root=True)]).classes == ("engine",)


def test_several_experts_refine_one_class() -> None:
    experts = [placed("a", "owl", parent="birds", seed=1), placed("b", "wren", parent="birds", seed=2)]
    cascade = Cascade([*experts, flat("selector", "birds")], gate=0.0)
    assert cascade.labels.children("birds") == ("owl", "wren")
    for found in cascade.predict(windows(0), SPEC.rate_hz):
        assert max(found["owl"], found["wren"]) <= found["birds"]


def test_an_expert_of_a_class_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BundleError, match="no other classifier has a class 'bird'") as caught:
        Cascade([placed("a", "owl", parent="bird"), flat("selector", "birds")])
    assert "Did you mean 'birds'?" in caught.value.hint


def test_hidden_classes_are_left_out_of_their_windows() -> None:
    cascade, sound = Cascade(three_levels(), gate=0.0), windows(0, 2)
    hidden = np.array([[label == "rain" for label in cascade.classes], [False] * len(cascade.classes)])
    first, second = cascade.classify(sound, SPEC.rate_hz, hidden=hidden)
    full = cascade.predict(sound, SPEC.rate_hz)
    assert first.probabilities == {label: value for label, value in full[0].items() if label != "rain"}
    assert second.probabilities == full[1]


def test_no_windows() -> None:
    assert Cascade(three_levels()).predict(np.empty((0, 400), np.float32), 8000) == []


def test_specs_may_differ() -> None:
    finer = replace(SPEC, n_mels=12)
    cascade = Cascade([flat("selector", "birds"), flat("birds", "owl", spec=finer)], gate=0)
    assert cascade.specs == {SPEC, finer}
    assert set(cascade.predict(windows(1), 8000)[0]) == {"birds", "owl"}


@pytest.mark.parametrize(
    ("classifiers", "code", "reason"),
    [
        ([], "bundle_cascade", "found: none"),
        ([flat("birds", "owl")], "bundle_cascade", "found: birds"),
        ([flat("selector", "a"), flat("selector", "b")], "bundle_cascade", "Two classifiers"),
        ([flat("selector", "birds"), flat("bird", "owl")], "bundle_cascade", "Did you mean 'birds'"),
        ([flat("selector", "birds", "owl"), flat("birds", "owl")], "bundle_cascade", "Class 'owl'"),
        (
            [flat("selector", "birds"), flat("birds", "owl", spec=replace(SPEC, window_s=5.1))],
            "bundle_features",
            "birds 5.1 s",
        ),
    ],
)
def test_classifiers_that_form_no_cascade_are_refused(classifiers: list[Classifier], code: str, reason: str) -> None:
    with pytest.raises(BundleError) as caught:
        order(tuple(classifiers))
    assert caught.value.code == code
    assert reason in str(caught.value)


def test_experts_placed_under_one_another_are_refused() -> None:
    with pytest.raises(BundleError, match="has no parent"):
        Cascade([flat("selector", "rain"), flat("a", "b"), flat("b", "a")])


@pytest.mark.parametrize("rate_hz", [22050, 44100, 48000])
def test_bundles_on_disk_hear_tones_at_any_rate(tmp_path: Path, rate_hz: int) -> None:
    write_tone_bundle(tmp_path, "selector", {"birds": (2000.0, 5000.0), "rain": (500.0,)})
    write_tone_bundle(tmp_path, "birds", {"owl": (2000.0,), "wren": (5000.0,)})
    cascade = Pipeline.load(tmp_path).cascade
    sounds = [tone(2000.0, rate_hz=rate_hz), tone(500.0, 5000.0, rate_hz=rate_hz), tone(rate_hz=rate_hz)]
    found = cascade.predict(np.stack(sounds), rate_hz)
    named = [{label for label, value in one.items() if value > 0.5} for one in found]
    assert named == [{"birds", "owl"}, {"birds", "wren", "rain"}, set()]
    assert set(found[2]) == {"birds", "rain"}


def test_a_strict_pipeline_refuses_a_rate_that_lacks_band(tmp_path: Path) -> None:
    write_tone_bundle(tmp_path, "selector", {"rain": (500.0,)})
    with pytest.raises(AudioError) as caught:
        Pipeline.of(AnalyzerSettings(nn=tmp_path, strict=True)).check_rate(16000)
    assert caught.value.code == "sample_rate"
    assert "21000" in caught.value.message


def test_levels_are_dbfs_and_faults_become_silence() -> None:
    sine, broken = tone(1000.0, amplitude=1.0), tone(1000.0)
    broken[7], broken[8] = np.nan, np.inf
    cleaned, levels = measured(np.stack([sine, np.zeros_like(sine), broken]))
    assert levels[:2] == pytest.approx([0.0, -120.0], abs=0.01)
    assert np.isfinite(cleaned).all()
    assert levels[2] == pytest.approx(-14.0, abs=0.1)
