"""A tree of experts on one trunk: the outputs of each head, its targets, and the cascade."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests.support.training import SPEC, options, tone
from tidzam.audio.features import extract
from tidzam.bundle import read_bundle
from tidzam.errors import DatasetError
from tidzam.inference.loading import run_onnx
from tidzam.labels import LabelTree
from trainer.app import train
from trainer.evaluation.evaluate import evaluate
from trainer.heads import expert_heads

TREE = LabelTree({"birds": None, "crow": "birds", "goose": "birds", "gray": "goose", "white": "goose", "rain": None})


def test_each_label_with_several_children_has_a_head() -> None:
    layout = expert_heads(TREE, ("crow", "gray", "white", "rain"))
    assert [(head.name, head.classes, head.always) for head in layout.heads] == [
        ("selector", ("birds", "rain"), True),
        ("birds", ("crow", "goose"), False),
        ("goose", ("gray", "white"), False),
    ]
    assert [(head.start, head.stop) for head in layout.heads] == [(0, 2), (2, 4), (4, 6)]
    assert layout.table.tolist() == [
        [1, 0, 1, 0, 0, 0],  # crow: a bird, of them a crow
        [1, 0, 0, 1, 1, 0],
        [1, 0, 0, 1, 0, 1],
        [0, 1, 0, 0, 0, 0],
    ]


def test_labels_without_data_are_not_outputs() -> None:
    layout = expert_heads(TREE, ("crow", "rain"))
    assert [(head.name, head.classes) for head in layout.heads] == [("selector", ("birds", "rain"))]
    below = expert_heads(TREE, ("crow", "gray"))
    assert [(head.name, head.always) for head in below.heads] == [("birds", True)], "nothing is above it"


def test_a_class_outside_the_tree_is_refused_with_both_shown() -> None:
    with pytest.raises(DatasetError, match=r"not in the label tree: owl\. It has birds, crow"):
        expert_heads(TREE, ("crow", "owl", "rain"))
    with pytest.raises(DatasetError, match="nothing to classify"):
        expert_heads(TREE, ("crow",))


def test_a_label_that_cannot_name_a_classifier_is_refused() -> None:
    tree = LabelTree({"water birds": None, "crane": "water birds", "heron": "water birds", "rain": None})
    with pytest.raises(DatasetError, match="cannot be the name of a classifier: water birds"):
        expert_heads(tree, ("crane", "heron", "rain"))


@given(st.lists(st.integers(-1, 8), min_size=2, max_size=12))
def test_columns_are_disjoint_and_complete(above: list[int]) -> None:
    """Label k is a child of an earlier label, or a root."""
    parents = {f"l{k}": None if up < 0 or up >= k else f"l{up}" for k, up in enumerate(above)}
    tree = LabelTree(parents)
    leaves = [label for label in tree if not tree.children(label)]
    if len(leaves) < 2:
        return
    layout = expert_heads(tree, leaves)
    columns = [column for head in layout.heads for column in range(head.start, head.stop)]
    assert columns == list(range(layout.outputs))
    names = [label for head in layout.heads for label in head.classes]
    for leaf, row in zip(leaves, layout.table, strict=True):
        assert {names[k] for k in np.flatnonzero(row)} <= set(tree.path(leaf))
    assert len({tuple(row) for row in layout.table.tolist()}) == len(leaves), "no two classes look the same"


PITCHES_HZ = {"birds/crow": 2200.0, "birds/goose": 3000.0, "rain": 500.0}


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("nested")
    for home, hz in PITCHES_HZ.items():
        (root / home).mkdir(parents=True)
        for number in range(8):
            path = root / home / f"{Path(home).name}{number}.wav"
            soundfile.write(path, tone(hz * (0.96 + 0.01 * number)), 8000)
    return root


@pytest.mark.timeout(120)
@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_nested_folders_become_a_cascade(nested: Path, tmp_path: Path, activation: str) -> None:
    recipe = {"activation": activation, "iterations": 120, "batch_size": 32}
    chosen = replace(options(nested, tmp_path / "nn", **recipe), expert=True)
    bundles = train(chosen, say=lambda _: None)
    assert [bundle.folder for bundle in bundles] == [tmp_path / "nn" / "selector", tmp_path / "nn" / "birds"]
    selector, birds = (read_bundle(bundle.folder) for bundle in bundles)
    assert selector.manifest.classes == ("birds", "rain")
    assert birds.manifest.classes == ("crow", "goose")
    assert birds.manifest.labels.parents == {"birds": None, "crow": "birds", "goose": "birds"}
    for home, hz in PITCHES_HZ.items():
        features = extract(tone(hz)[None, : SPEC.window_samples], SPEC)
        top = run_onnx(selector.file("onnx"), features)[0]
        assert selector.manifest.classes[top.argmax()] == home.partition("/")[0]
        if home != "rain":
            assert birds.manifest.classes[run_onnx(birds.file("onnx"), features)[0].argmax()] == Path(home).name
    assert birds.manifest.accuracy["validation"]["macro_f1"] > 0.8
    of_both = [found.metrics.clips for found in evaluate([selector, birds], nested)]
    assert [clips.confusion.sum() for clips in of_both] == [24, 16]
    assert min(clips.accuracy for clips in of_both) > 0.8


@pytest.mark.timeout(120)
def test_summaries_contain_each_head(nested: Path, tmp_path: Path) -> None:
    chosen = replace(options(nested, tmp_path / "nn", iterations=2), expert=True, stats_step=2)
    train(chosen, say=lambda _: None)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    written = EventAccumulator(str(chosen.summaries / "validation"))
    written.Reload()
    wanted = {f"{head}/{tag}" for head in ("selector", "birds") for tag in ("accuracy", "confusion", "mistaken")}
    assert wanted | {"selector/pr/rain", "birds/recall/crow", "feature_maps/goose"} <= set(written.Tags()["tensors"])
    labels = (chosen.summaries / "validation/embeddings.labels.tsv").read_text().splitlines()[1:]
    assert {line.split("\t")[0] for line in labels} == {"crow", "goose", "rain"}, "the deepest class of each"
