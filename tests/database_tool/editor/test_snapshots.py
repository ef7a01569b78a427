"""Every screen of the editor, as text. See `scenes` for how to write them again."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.database_tool.editor.scenes import (
    DOCS,
    PICTURES,
    SCENES,
    SNAPSHOTS,
    EditorScene,
    SceneFiles,
    keep,
    take,
    text_of,
    write_scene_files,
)

pytestmark = pytest.mark.timeout(120)

_DECIMAL = re.compile(r"\d\.\d{2,}")
"""Probabilities and similarities, whose last digit may depend on the processor."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SceneFiles:
    return write_scene_files(tmp_path_factory.mktemp("scenes"))


def split(text: str) -> tuple[str, list[float]]:
    """The text without its decimal numbers, and those."""
    return _DECIMAL.sub("#", text), [float(number) for number in _DECIMAL.findall(text)]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: str(scene.name))
async def test_a_screen_is_as_its_snapshot(scene: EditorScene, files: SceneFiles) -> None:
    picture = await take(scene, files)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        keep(scene, picture)
    text, numbers = split(text_of(picture))
    expected_text, expected_numbers = split((SNAPSHOTS / f"{scene.name}.txt").read_text(encoding="utf-8"))
    assert text.splitlines() == expected_text.splitlines()
    assert numbers == pytest.approx(expected_numbers, abs=0.02)


def test_every_snapshot_has_a_scene() -> None:
    assert {path.stem for path in SNAPSHOTS.iterdir()} == {scene.name for scene in SCENES}


@pytest.mark.parametrize(("name", "picture"), PICTURES.items())
def test_a_picture_in_the_documentation_is_the_snapshot(name: str, picture: str) -> None:
    text = text_of(Path(DOCS, f"{picture}.svg").read_text(encoding="utf-8"))
    assert text == (SNAPSHOTS / f"{name}.txt").read_text(encoding="utf-8")
