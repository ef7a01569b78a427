"""What counts as right when classifiers are measured on a scene."""

import json
from pathlib import Path

import numpy as np
import pytest

import tidzam.demo
from tidzam.bundle import read_bundle
from tidzam.demo.render import Rendering, render
from tidzam.demo.scene import LABELS, SILENCE, AudibleEvent, Truth, truth_at
from tidzam.demo.scoring import mark, predict_channel, score
from tidzam.demo.training import LESSONS, Lesson, train_bundles, trainer_argv
from tidzam.demo.wetland import wetland
from tidzam.errors import NodeError
from tidzam.inference.loading import load_cascade

BUNDLES = Path(tidzam.demo.__file__).parent / "bundles"
CLASSES = ("birds", "rain", SILENCE)


def heard(label: str, start_s: float, end_s: float, snr_db: float = 20.0) -> AudibleEvent:
    return AudibleEvent(
        label=label,
        path=LABELS.path(label),
        channel=0,
        start_s=start_s,
        end_s=end_s,
        distance_m=10.0,
        level_dbfs=-30.0,
        snr_db=snr_db,
    )


def truth(*events: AudibleEvent) -> Truth:
    return Truth(name="t", seed=0, duration_s=6.0, rate_hz=8000, channels=1, events=events)


def test_a_full_window_is_sounding_and_an_untouched_one_is_not() -> None:
    marks = mark(truth(heard("birds-dove", 1.0, 3.0)), 0, CLASSES, 1.0)
    assert marks.sounding[:, 0].tolist() == [False, True, True, False, False, False]
    assert marks.judged[:, 0].tolist() == [True, True, True, False, True, True]  # the fourth holds the echo


def test_a_sliver_and_a_masked_event_are_not_judged() -> None:
    marks = mark(truth(heard("rain", 1.8, 3.0), heard("birds-dove", 4.0, 5.0, snr_db=-3)), 0, CLASSES, 1.0)
    assert not marks.judged[1, 1]
    assert marks.sounding[2, 1]
    assert not marks.judged[4, 0]
    assert not marks.sounding[4, 0]


def test_silence_must_fill_the_window() -> None:
    marks = mark(truth(heard(SILENCE, 0.5, 3.0)), 0, CLASSES, 1.0)
    assert marks.sounding[:3, 2].tolist() == [False, True, True]
    assert not marks.judged[0, 2]


def test_other_channels_do_not_count() -> None:
    assert not mark(truth(heard("rain", 0, 6)), 1, CLASSES, 1.0).sounding.any()


def test_experts_learn_over_all_the_others() -> None:
    argv = trainer_argv(LESSONS[1], Path("sounds"), Path("out/birds"), 1)
    assert argv[argv.index("--dataset-train") + 1] == "sounds/birds"
    backgrounds = [Path(argv[i + 1]).name for i, word in enumerate(argv) if word == "--background"]
    assert backgrounds == ["frogs", "crickets", "rain", "wind", "engine", SILENCE]


@pytest.fixture(scope="module")
def unheard() -> Rendering:
    return render(wetland(4242, duration_s=60.0))


def test_shipped_bundles_are_small_and_measured() -> None:
    for lesson in LESSONS:
        bundle = read_bundle(BUNDLES / lesson.name)
        assert sum(entry.size_bytes for entry in bundle.manifest.files.values()) < 1_000_000
        assert "scenes only" in json.dumps(bundle.manifest.accuracy["scenes"]["data"])
        assert set(bundle.manifest.classes) <= set(LABELS)


@pytest.mark.timeout(60)
def test_shipped_bundles_hear_a_scene_of_another_seed(unheard: Rendering) -> None:
    bundles = {lesson.name: read_bundle(BUNDLES / lesson.name) for lesson in LESSONS}
    scores = score(bundles, [unheard])
    assert scores["selector"]["macro_f1"] > 0.85
    assert scores["selector"]["event_recall"] > 0.9


@pytest.mark.timeout(60)
def test_the_default_scene_is_named_right_on_every_channel() -> None:
    rendering = render(wetland(7, duration_s=20.0))
    cascade = load_cascade([read_bundle(BUNDLES / lesson.name) for lesson in LESSONS])
    for channel, samples in enumerate(rendering.samples):
        named = [max(one, key=one.__getitem__) for one in predict_channel(cascade, samples, 44100)[:10]]
        right = [named[k] in truth_at(rendering.truth, k + 0.5)[channel] for k in range(10)]
        assert np.sum(right) >= 4, f"channel {channel}: {named}"


@pytest.mark.timeout(120)
def test_training_writes_a_bundle_and_its_measures(tmp_path: Path) -> None:
    train_bundles(
        tmp_path, seed=2, say=lambda _: None, lessons=(Lesson("selector", ".", 2),), clips=4, scene_seeds=(1001,)
    )
    manifest = read_bundle(tmp_path / "selector").manifest
    accuracy = manifest.accuracy
    assert manifest.provenance["data"]["train"] == "sounds", "not a folder of this machine, which is gone"
    assert accuracy["scenes"]["seeds"] == [1001]
    assert accuracy["scenes"]["windows"] == 480
    assert set(accuracy["scenes"]["classes"]) == set(LABELS.roots)


@pytest.mark.timeout(60)
def test_a_failed_training_is_reported(tmp_path: Path) -> None:
    (tmp_path / "selector").mkdir()
    (tmp_path / "selector" / "precious.txt").touch()
    with pytest.raises(NodeError, match="The trainer ended with 1"):
        train_bundles(tmp_path, seed=2, say=lambda _: None, lessons=(Lesson("selector", ".", 2),), clips=1)
