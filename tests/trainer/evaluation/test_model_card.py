"""The model card and its pictures."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.bundles import tone_manifest
from tidzam.metrics import Metrics, compute_metrics
from trainer.evaluation.model_card import write_card
from trainer.evaluation.plots import confusion_matrix, precision_recall_curves

CLASSES = ("rain", "rooster", "sea_waves")


def metrics(classes: tuple[str, ...] = CLASSES, *, each: int = 12) -> Metrics:
    """A classifier that takes the first two examples of the first class for the last one."""
    truth = np.repeat(np.arange(len(classes)), each)
    predicted = truth.copy()
    predicted[:2] = len(classes) - 1
    eye = np.eye(len(classes))
    return compute_metrics(eye[truth], 0.1 + 0.8 * eye[predicted], classes, thresholds=dict.fromkeys(classes, 0.5))


@pytest.fixture
def card(tmp_path: Path) -> Path:
    manifest = tone_manifest("weather", CLASSES).model_copy(
        update={"provenance": {"dataset": {"train": "ab|cd"}, "seed": 3, "training_file": "seed: 3\n"}}
    )
    return write_card(tmp_path / "card", manifest, metrics(), data="on 36 clips")


def test_the_card_has_the_metrics(card: Path) -> None:
    text = card.read_text()
    assert "**94.4% of 36 clips** are classified correctly" in text
    assert "- rain classified as sea_waves: 2 of 12 clips" in text
    assert "| rain | 12 | 0.500 | 1.000 | 0.833 | 0.909 |" in text
    assert "| dataset.train | ab\\|cd |" in text
    assert "```yaml\nseed: 3\n```" in text
    assert "fewer than" not in text


def test_the_pictures_are_in_its_folder(card: Path) -> None:
    named = re.findall(r"!\[.*\]\((.*)\)", card.read_text())
    assert len(named) == 2
    for name in named:
        with Image.open(card.parent / name) as picture:
            assert picture.format == "PNG"
            assert picture.width > 200


def test_metrics_of_few_examples_are_marked_as_unreliable(tmp_path: Path) -> None:
    text = write_card(tmp_path, tone_manifest("w", CLASSES), metrics(each=9), data="on 27 clips").read_text()
    assert "Classes with fewer than 10 windows, whose metrics are not reliable: rain, rooster, sea_waves" in text


def dark_pixels(confusion: list[list[int]]) -> int:
    with Image.open(io.BytesIO(confusion_matrix(np.array(confusion), ("a", "b")))) as picture:
        return int((np.asarray(picture.convert("L")) < 90).sum())


def test_a_cell_is_as_dark_as_its_share_of_the_class() -> None:
    assert dark_pixels([[90, 0], [0, 1]]) > 10 * dark_pixels([[1, 1], [45, 45]])


def test_the_same_metrics_give_the_same_file() -> None:
    assert precision_recall_curves(metrics().curves) == precision_recall_curves(metrics().curves)


def test_many_classes_can_be_drawn() -> None:
    many = metrics(tuple(f"class_{k}" for k in range(30)))
    assert len(precision_recall_curves(many.curves)) > 1000
    assert len(confusion_matrix(many.clips.confusion, list(many.classes))) > 1000


def test_the_card_lists_the_classes_that_were_left_out(tmp_path: Path) -> None:
    manifest = tone_manifest("weather", CLASSES).model_copy(
        update={"provenance": {"classes_left_out": ["owl", "newt"]}}
    )
    text = write_card(tmp_path / "card", manifest, metrics(), data="on 36 clips").read_text()
    assert "no readable audio of them: owl, newt" in text
