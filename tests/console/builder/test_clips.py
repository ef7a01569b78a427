"""Which sections become clips of a dataset, and what is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from console.services.builder.datasets import DatasetRequest, dataset_orders
from console.services.builder.material import Material
from console.services.builder.models import DayUse, TagSet
from console.services.builder.sections import TrainingSection
from tidzam.config import Settings
from tidzam.errors import RequestError

WANTED = {"name": "calls", "tags": ["heron"], "days": {"2026-05-01": "train"}, "background_clips": 5, "least_s": 1.0}


def section(tag: str, start_s: float = 0.0, use: DayUse = DayUse.TRAIN) -> TrainingSection:
    return TrainingSection(Path("/rec/a.flac"), 0, start_s, start_s + 1.0, tag, use)


UNHEARD = [section("", float(k), DayUse.TRAIN_BACKGROUND) for k in range(5)]


def labels(home: Path, *sections: TrainingSection, **changes: Any) -> Counter[str]:
    """The number of clips by label in the dataset for training."""
    request = DatasetRequest.model_validate({**WANTED, **changes})
    orders = dataset_orders(Settings.model_validate({"home": home}), request, Material(sections, 0))
    (text,) = orders[0].files.values()
    return Counter(line.split(",")[3] for line in text.splitlines()[1:])


def test_what_was_annotated_as_background_is_of_its_class(tmp_path: Path) -> None:
    annotated = [section("Background", 9.0), section("background", 10.0)]
    assert labels(tmp_path, section("heron"), *annotated, *UNHEARD[:2]) == {"heron": 1, "background": 4}


def test_background_has_no_more_clips_than_wanted(tmp_path: Path) -> None:
    annotated = [section("background", 9.0 + k) for k in range(2)]
    assert labels(tmp_path, section("heron"), *annotated, *UNHEARD) == {"heron": 1, "background": 5}
    calls = [section("heron"), section("owl")]
    assert labels(tmp_path, *calls, *annotated, background_clips=0, tags=["heron", "owl"]) == {"heron": 1, "owl": 1}


@pytest.mark.parametrize(
    ("sections", "tags", "message"),
    [
        ([section("heron"), *UNHEARD], ["heron", "owl"], "owl has no recorded section"),
        ([section("background"), *UNHEARD], ["heron"], "heron has no recorded section"),
        ([section("heron"), section("owl", use=DayUse.TEST), *UNHEARD], ["heron", "owl"], "owl has no recorded"),
        ([section("heron")], ["heron"], "clips of 1 class"),
    ],
)
def test_a_dataset_without_one_of_its_tags_is_refused(
    tmp_path: Path, sections: list[TrainingSection], tags: list[str], message: str
) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        labels(tmp_path, *sections, tags=tags)
    assert caught.value.code == "dataset_small"


@pytest.mark.parametrize("tag", ["background", "Background"])
def test_background_is_no_tag_to_recognize(tag: str) -> None:
    with pytest.raises(ValidationError, match="not to be recognized"):
        DatasetRequest.model_validate({**WANTED, "tags": ["heron", tag]})
    with pytest.raises(ValidationError, match="not to be recognized"):
        TagSet.model_validate({"name": "herons", "tags": [tag]})
