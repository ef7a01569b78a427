"""When classifiers with longer windows run, and what is carried to the windows in between."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.pipeline import Pipeline
from tests.support.classifiers import SPEC, classifier, flat
from tidzam.errors import AudioError
from tidzam.inference.cascade import Cascade, Classifier
from tidzam.inference.longer_windows import Handover, LongerWindows, Run, RunInterval
from tidzam.results import Analysis, WindowBatch
from tidzam.types import Float32

RATE_HZ, WINDOW = 8000, 400
LONG = replace(SPEC, window_s=3 * SPEC.window_s)
START = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("window_s", "overlap", "expected"),
    [
        (3.0, 0.0, RunInterval(24000, 3, 2)),
        (3.0, 0.5, RunInterval(24000, 3, 4)),
        (1.5, 0.0, RunInterval(12000, 1, 1)),  # rounded down: every second window would skip half a second
        (2.9, 0.0, RunInterval(23200, 2, 2)),
    ],
)
def test_a_classifier_runs_as_often_as_its_own_windows_fit(
    window_s: float, overlap: float, expected: RunInterval
) -> None:
    hop = round(8000 * (1 - overlap))
    assert RunInterval.of(window_s, 1.0, rate_hz=8000, window=8000, hop=hop) == expected


@given(
    times=st.floats(1.01, 100),
    overlap=st.floats(0, 0.95),
    rate_hz=st.sampled_from([8000, 11025, 22050, 44100, 48000]),
)
def test_the_windows_of_a_longer_classifier_leave_no_frame_out(times: float, overlap: float, rate_hz: int) -> None:
    window = round(0.5 * rate_hz)
    hop = max(1, round(window * (1 - overlap)))
    interval = RunInterval.of(0.5 * times, 0.5, rate_hz=rate_hz, window=window, hop=hop)
    first_end = interval.first * hop + window
    assert 0 <= first_end - interval.frames < hop
    assert interval.windows * hop <= interval.frames + interval.windows  # windows are rounded to frames


def test_intervals_begin_with_the_first_whole_window() -> None:
    interval = RunInterval(24000, 3, 2)
    assert [interval.number(window) for window in range(2, 9)] == [0, 0, 0, 1, 1, 1, 2]


@pytest.mark.parametrize(("window", "number"), [(2, 0), (3, 0), (4, 1), (5, 1)])
def test_the_last_window_begins_an_interval_if_half_of_one_would_be_left_over(window: int, number: int) -> None:
    assert RunInterval(24000, 3, 2).number(window, is_last=True) == number


def test_who_waits_for_a_step_that_failed_fails_with_its_error() -> None:
    handover = Handover(["birds"])
    handover.fail(AudioError("It failed."))
    with pytest.raises(AudioError, match="It failed"):
        handover.runs("birds")


def test_a_run_by_another_clock_is_forgotten() -> None:
    before, after = Handover(["birds"]), Handover(["birds"])
    before.set_runs("birds", {"lake:out_0": Run(90, 90 * WINDOW, 0, before.results("birds"))})
    windows = LongerWindows.of(batches(stream([True]), ends=False), before, after)
    windows.plan("birds", RunInterval(3 * WINDOW, 3, 2), np.zeros(0, np.intp))
    assert after.runs("birds") == {}


class Switched:
    """A network whose first class is as likely as the loudest sample of a window."""

    def __init__(self, classes: int) -> None:
        self.classes, self.seen = classes, list[Float32]()

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        return (None, *SPEC.shape)

    def predict(self, features: Float32) -> Float32:
        self.seen.append(features)
        loud = (features.max(axis=(1, 2)) > -60).astype(np.float32)
        return np.tile(loud[:, None], (1, self.classes))


def selector() -> Classifier:
    return Classifier(flat("selector", "birds", "rain").manifest, Switched(2))


def expert(seed: int = 1) -> Classifier:
    return flat("birds", "owl", "wren", spec=LONG, seed=seed)


def stream(seconds: Sequence[bool], seed: int = 0) -> Float32:
    """Noise in the windows that are True, else silence."""
    noise = np.random.default_rng(seed).normal(0, 0.3, (len(seconds), WINDOW)).astype(np.float32)
    sound: Float32 = (noise * np.array(seconds, np.float32)[:, None]).reshape(-1)
    return sound


def batches(*streams: Float32, hop: int = WINDOW, longest: int = 3 * WINDOW, ends: bool = True) -> list[WindowBatch]:
    """The windows of streams that begin together, with contexts, as `window_batches` makes them."""
    sound = np.stack(streams)
    count = 1 + (sound.shape[1] - WINDOW) // hop
    found = []
    for number in range(count):
        start, end = number * hop, number * hop + WINDOW
        context = sound[:, max(0, end - longest) : end]
        found.append(
            WindowBatch(
                channels=tuple(f"pond:out_{row}" for row in range(len(streams))),
                samples=context[:, -WINDOW:],
                rate_hz=RATE_HZ,
                start_frame=start,
                starts=(START,) * len(streams),
                gap_frames=(0,) * len(streams),
                hop_frames=hop,
                context=context,
                heard_frames=(context.shape[1],) * len(streams),
                is_last=ends and number == count - 1,
            )
        )
    return found


def one_by_one(
    classifiers: Sequence[Classifier], found: Sequence[WindowBatch], *, gate: float = 0.05
) -> list[Analysis]:
    """The analyses of the first channel, as live analysis makes them."""
    pipeline = Pipeline(Cascade(classifiers, gate=gate))
    return [pipeline.analyze(batch)[0] for batch in found]


def outputs(one: Classifier, sound: Float32) -> dict[str, float]:
    """What a classifier says of one window, alone."""
    root = replace(one, manifest=one.manifest.model_copy(update={"root": True, "parent": None}))
    return Cascade([root]).predict(sound[None], RATE_HZ)[0]


def ages(analyses: Sequence[Analysis]) -> list[float | None]:
    """In windows, None where the expert has no result."""
    return [
        round(one.ages_s.get("birds", 0.0) / SPEC.window_s, 6) if "owl" in one.probabilities else None
        for one in analyses
    ]


def test_an_expert_with_longer_windows_sees_the_sound_up_to_the_end_of_the_window() -> None:
    sound = stream([True] * 6)
    found = one_by_one([selector(), expert()], batches(sound))
    assert found[2].probabilities["owl"] == pytest.approx(outputs(expert(), sound[: 3 * WINDOW])["owl"], abs=1e-5)
    assert found[5].probabilities["owl"] == pytest.approx(outputs(expert(), sound[3 * WINDOW :])["owl"], abs=1e-5)


def test_results_are_carried_and_say_how_old_they_are() -> None:
    found = one_by_one([selector(), expert()], batches(stream([True] * 9), ends=False))
    assert ages(found) == [None, None, 0, 1, 2, 0, 1, 2, 0]
    assert found[4].probabilities["owl"] == found[2].probabilities["owl"]


def test_windows_keep_the_times_of_the_shortest() -> None:
    found = one_by_one([selector(), expert()], batches(stream([True] * 4)))
    assert [(one.start_frame, round(one.duration_s, 6)) for one in found] == [(400 * k, 0.05) for k in range(4)]


def test_an_expert_runs_once_its_parent_is_likely_within_an_interval() -> None:
    birds = [False, False, False, True, True, True, False, False]
    assert ages(one_by_one([selector(), expert()], batches(stream(birds), ends=False))) == [
        *(None, None, None, 0, 1, 0),
        *(None, None),
    ]


def test_carried_outputs_are_multiplied_by_the_present_probability_of_the_parent() -> None:
    parent, child = flat("selector", "birds", seed=4), expert(seed=5)
    sound = stream([True] * 5)
    found = one_by_one([parent, child], batches(sound), gate=0)
    conditional = outputs(child, sound[: 3 * WINDOW])["wren"]
    for one in found[2:4]:
        assert one.probabilities["wren"] == pytest.approx(conditional * one.probabilities["birds"], abs=1e-5)


def test_what_no_child_claims_remains_with_the_parent_of_a_carried_expert() -> None:
    found = one_by_one([flat("selector", "birds", seed=4), expert()], batches(stream([True] * 4)), gate=0)
    for one in found[2:]:
        parent = one.probabilities["birds"]
        left = parent * (1 - one.probabilities["owl"] / parent) * (1 - one.probabilities["wren"] / parent)
        assert one.remainders["birds"] == pytest.approx(left, abs=1e-5)


def test_a_channel_that_is_too_young_waits_for_longer_classifiers_alone() -> None:
    found = one_by_one([selector(), expert()], batches(stream([True] * 4)))
    assert [one.waiting for one in found] == [("birds",), ("birds",), (), ()]
    assert found[0].result == ("birds", "rain")


def test_a_root_with_longer_windows_stands_beside_a_selector() -> None:
    root = flat("cars", "engine", spec=LONG, seed=2)
    root = replace(root, manifest=root.manifest.model_copy(update={"root": True}))
    sound = stream([False, True] * 3)
    found = one_by_one([selector(), root], batches(sound, ends=False))
    assert ["engine" in one.probabilities for one in found] == [False, False, True, True, True, True]
    assert found[5].probabilities["engine"] == pytest.approx(outputs(root, sound[1200:])["engine"], abs=1e-5)


def test_an_expert_with_shorter_windows_runs_where_its_carried_parent_is_likely() -> None:
    parent = replace(flat("selector", "birds", spec=LONG), network=Switched(1))
    child = flat("birds", "owl")
    found = one_by_one([parent, child], batches(stream([True] * 3 + [False] * 5), ends=False))
    assert ["owl" in one.probabilities for one in found] == [False] * 2 + [True] * 3 + [False] * 3


def test_a_file_shorter_than_the_longest_window_is_padded() -> None:
    sound = stream([True, True])
    found = one_by_one([selector(), expert()], batches(sound))
    padded = np.pad(sound, (0, WINDOW))
    assert found[1].probabilities["owl"] == pytest.approx(outputs(expert(), padded)["owl"], abs=1e-5)


def test_the_end_of_a_file_is_seen_if_half_a_window_of_it_was_in_none() -> None:
    assert ages(one_by_one([selector(), expert()], batches(stream([True] * 4)))) == [None, None, 0, 1]
    assert ages(one_by_one([selector(), expert()], batches(stream([True] * 5)))) == [None, None, 0, 1, 0]


def test_nothing_is_carried_over_a_jump() -> None:
    found = batches(stream([True] * 5), ends=False)
    found[3] = replace(found[3], heard_frames=(WINDOW,))
    found[4] = replace(found[4], heard_frames=(2 * WINDOW,))
    assert ages(one_by_one([selector(), expert()], found)) == [None, None, 0, None, None]


def test_a_clock_that_begins_again_carries_nothing() -> None:
    found = batches(stream([True] * 3), ends=False)
    pipeline = Pipeline(Cascade([selector(), expert()]))
    for batch in found:
        pipeline.analyze(batch)
    analyses = [pipeline.analyze(batch)[0] for batch in batches(stream([True] * 2), ends=False)]
    assert ages(analyses) == [None, None]


def test_one_faulty_window_does_not_silence_the_expert_for_good() -> None:
    class Faulty(Switched):
        def predict(self, features: Float32) -> Float32:
            super().predict(features)
            return np.full((len(features), 2), np.nan if len(self.seen) == 1 else 0.5, np.float32)

    faulty = replace(expert(), network=Faulty(2))
    found = one_by_one([selector(), faulty], batches(stream([True] * 6)))
    assert [one.left_out for one in found] == [(), (), ("birds",), ("birds",), ("birds",), ()]
    assert "owl" in found[5].probabilities


@given(
    birds=st.lists(st.lists(st.booleans(), min_size=20, max_size=20), min_size=1, max_size=3),
    cuts=st.lists(st.integers(1, 19), max_size=6),
    overlap=st.sampled_from([0.0, 0.5]),
)
@settings(max_examples=40, deadline=None)
def test_steps_in_parallel_give_what_single_windows_give(
    birds: list[list[bool]], cuts: list[int], overlap: float
) -> None:
    sounds = [stream(one, seed) for seed, one in enumerate(birds)]
    found = batches(*sounds, hop=round(WINDOW * (1 - overlap)))
    species = classifier("owl", {"barn": None, "snowy": None}, spec=replace(SPEC, window_s=0.1), seed=3)
    cascade = Cascade([selector(), expert(), species])
    pipeline = Pipeline(cascade)
    alone = [pipeline.analyze(batch) for batch in found]
    bounds = [0, *sorted(set(cuts)), len(found)]
    steps = [found[low:high] for low, high in pairwise(bounds) if low < high]
    left = [None, *(cascade.handover() for _ in steps)]
    with ThreadPoolExecutor(4) as pool:
        work = [
            pool.submit(Pipeline(cascade).analyze_all, step, before=left[number], after=left[number + 1])
            for number, step in enumerate(steps)
        ]
        together = [analyses for step in work for analyses in step.result()]
    for one, other in zip(alone, together, strict=True):
        for left_one, right_one in zip(one, other, strict=True):
            assert right_one.probabilities == pytest.approx(left_one.probabilities, abs=1e-5)
            assert (right_one.ages_s, right_one.waiting) == (left_one.ages_s, left_one.waiting)


def test_networks_of_two_steps_run_at_the_same_time() -> None:
    class Meeting(Switched):
        """Works only if two threads run it at once."""

        barrier = Barrier(2)

        def predict(self, features: Float32) -> Float32:
            self.barrier.wait(timeout=20)
            return super().predict(features)

    cascade = Cascade([selector(), replace(expert(), network=Meeting(2))])
    found = batches(stream([True] * 12), ends=False)
    first, second = cascade.handover(), cascade.handover()
    with ThreadPoolExecutor(2) as pool:
        early = pool.submit(Pipeline(cascade).analyze_all, found[:6], before=None, after=first)
        late = pool.submit(Pipeline(cascade).analyze_all, found[6:], before=first, after=second)
        analyses = [one for step in (early, late) for (one,) in step.result()]
    assert {one.left_out for one in analyses} == {()}
    assert ages(analyses) == [None, None, *[0, 1, 2] * 3, 0]
