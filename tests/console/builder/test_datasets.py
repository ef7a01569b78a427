"""Datasets of annotations: clips in folders by tag, cut by a job, on which a network is trained to the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.console.builder.test_building import Builder
from tests.support.console import console_with_profile
from tests.support.jobs import end_jobs
from tests.support.model_builder import TAGS, annotate, recorded_profile
from tests.support.openset import DAYS
from tidzam.bundle import read_bundle
from tidzam.jobs.states import JobState

pytestmark = pytest.mark.timeout(540)

WANTED = {
    "name": "calls",
    "tags": TAGS,
    "days": {DAYS[0]: "train", DAYS[1]: "test"},
    "background_clips": 6,
    "least_s": 1.0,
}


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    """A node with annotated recordings of two days, from which the datasets `calls` and `calls-test` were made."""
    home = tmp_path_factory.mktemp("home")
    with console_with_profile(home, recorded_profile(home / "sound")) as console:
        builder = Builder(console, home, annotate(console, home / "sound"))
        jobs = builder.post("/datasets", WANTED).json()
        assert [one["title"] for one in jobs] == ["calls", "calls-test"]
        for job in jobs:
            ended = builder.finish(job["id"])
            assert ended.state is JobState.DONE, ended.message
        yield builder
    end_jobs(home)


def test_each_tag_and_background_have_a_folder_of_clips(builder: Builder) -> None:
    for name in ("calls", "calls-test"):
        folders = {path.name: list(path.glob("*.flac")) for path in (builder.home / "datasets" / name).iterdir()}
        assert {name: len(files) for name, files in folders.items()} == {"high": 16, "low": 16, "background": 6}
        lengths = {soundfile.info(path).duration for files in folders.values() for path in files}
        assert min(lengths) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "dataset_place"),
        ({"name": "other", "tags": ["high"], "background_clips": 0}, "dataset_small"),
    ],
)
def test_what_cannot_be_made_is_refused(builder: Builder, changes: dict[str, Any], code: str) -> None:
    assert builder.post("/datasets", {**WANTED, **changes}).json()["error"]["code"] == code


def test_a_network_is_trained_on_it_and_another_goes_on_from_that(builder: Builder) -> None:
    first = {"name": "tones", "dataset": "calls", "validation": "calls-test", "iterations": 12, "augment": False}
    trained = _trained(builder, first)
    assert (trained.is_root, trained.classes) == (True, ("background", "high", "low"))
    refined = {**first, "name": "refined", "start": "tones", "iterations": 4, "learning_rate": 0.0001, "augment": True}
    found = _trained(builder, refined)
    assert Path(found.provenance["init"]).name == "tones"


def test_only_networks_of_this_node_are_gone_on_from(builder: Builder) -> None:
    refused = builder.post("/trainings", {"name": "x", "dataset": "calls", "start": "birdnet"})
    assert refused.json()["error"]["code"] == "no_model"


def _trained(builder: Builder, wanted: dict[str, Any]) -> Any:
    """The manifest of a network, once it is trained."""
    answer = builder.post("/trainings", wanted)
    assert answer.status_code == 202, answer.text
    ended = builder.finish(answer.json()["id"], within_s=250)
    assert ended.state is JobState.DONE, ended.message
    return read_bundle(builder.home / "models" / wanted["name"]).manifest
