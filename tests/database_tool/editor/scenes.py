"""The screens of the editor as pictures: for snapshot tests, and for docs/editor*.svg.

`UPDATE_SNAPSHOTS=1 bin/tidzam test tests/database_tool/editor/test_snapshots.py` writes both again.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from database_tool.editor.audio_source import AudioSourceFile
from tests.support.editor import Person, editing
from tidzam.bundle import read_bundle
from tidzam.dataset import DatasetWriter, Draft, Origin
from tidzam.demo.render import render
from tidzam.demo.scene import LABELS, SILENCE, VOICES
from tidzam.demo.sounds import write_training_folders
from tidzam.demo.wetland import wetland
from tidzam.labels import LabelTree
from tidzam.paths import DEMO_BUNDLES
from tidzam.progress import Progress

CLIPS_PER_VOICE = 4
RECORDING_S = 20
FOLDER = Path("/srv/clips")
"""The folder in the origins of samples, on every machine."""

SNAPSHOTS = Path(__file__).with_name("snapshots")
DOCS = Path(__file__).parents[3] / "docs"
SIZE = (110, 30)
_CELL_PX = 12.2
"""The width of a character in Rich's SVG."""

BUNDLE = DEMO_BUNDLES / "selector"


@dataclass(frozen=True)
class SceneFiles:
    """A dataset with two wrong labels, and a recording."""

    dataset: Path
    recording: Path


@dataclass(frozen=True)
class EditorScene:
    """How to get to a screen, at first or from the cut screen of a recording."""

    name: str
    drive: Callable[[Person], Awaitable[None]]
    cutting: bool = False


def write_scene_files(folder: Path) -> SceneFiles:
    """Synthesize clips of all voices of the demo, and label two chickadees as frogs."""
    clips = write_training_folders(folder / "clips", seed=1, clips=CLIPS_PER_VOICE)
    spec, classes = read_bundle(BUNDLE).manifest.feature_spec, tuple(sorted(set(LABELS.roots) - {SILENCE}))
    draft = Draft(name="wetland", spec=spec, classes=classes, labels=LabelTree.flat(classes))
    with DatasetWriter(folder / "wetland", draft) as writer:
        for voice in VOICES:
            (label, *_) = LABELS.path(voice)
            for path in sorted(clips.joinpath(*LABELS.path(voice)).iterdir()):
                source = AudioSourceFile.open(path)
                name = f"{voice.rpartition('-')[2]}-{path.name}"
                label_index = classes.index("frogs" if name.startswith("chickadee-0001") else label)
                for sample in source.cut(0, source.length_s, None, spec):
                    origin = replace(sample.origin, file=str(FOLDER / label / name), group=Path(name).stem)
                    writer.add(sample.features, label_index, origin)
        bullfrog = AudioSourceFile.open(clips / "frogs" / "frogs-bullfrog" / "0003.flac")
        # Two calls of the last bullfrog again, as a second microphone records them.
        for at_s, noise_db in ((0, 1.0), (1, 2.0)):
            noise = np.random.default_rng(at_s).normal(0, noise_db, spec.shape).astype(np.float32)
            (sample,) = bullfrog.cut(at_s, at_s + 1, None, spec)
            origin = Origin(str(FOLDER / "frogs" / "bullfrog-0004.flac"), float(at_s), None, None, "bullfrog-0004")
            writer.add(sample.features + noise, classes.index("frogs"), origin)
        writer.finish(provenance={})
    scene = replace(wetland(7), duration_s=RECORDING_S)
    rendering = render(replace(scene, events=tuple(one for one in scene.events if one.end_s < RECORDING_S)))
    recording = folder / "wetland-2026-05-01-05-40-00.flac"
    soundfile.write(recording, rendering.samples.T, scene.rate_hz)
    return SceneFiles(folder / "wetland", recording)


async def _press(*keys: str, person: Person) -> None:
    await person.press(*keys)
    await person.wait()


async def _open_dialog(*keys: str, person: Person) -> None:
    await person.press(*keys)
    await person.wait_for_dialog()


async def _work(person: Person) -> None:
    started = asyncio.Event()

    def half_done(advance: Progress) -> None:
        for _ in range(100):
            advance(40, 100)
        person.app.call_from_thread(started.set)
        while True:  # until the dialog is cancelled
            advance(40, 100)

    person.app.browse.run_worker(person.app.browse.wait_for("Comparing 100 samples of birds", half_done))
    await person.wait_for_dialog()
    await started.wait()
    await person.tick()


_MARK = ["down", "down", "left_square_bracket", "down", "down", "down", "right_square_bracket", "up", "up"]

SCENES = (
    EditorScene("browse", lambda person: _press("down", "tab", "down", "down", "space", "space", person=person)),
    EditorScene("browse-search", lambda person: _press("slash", *"peeper", "enter", person=person)),
    EditorScene("label-errors", lambda person: _press("l", person=person)),
    EditorScene("duplicates", lambda person: _press(*["down"] * 4, "f", person=person)),
    EditorScene("cut", lambda person: _press(*_MARK, person=person), cutting=True),
    EditorScene("cut-help", lambda person: _open_dialog("question_mark", person=person), cutting=True),
    EditorScene("help", lambda person: _open_dialog("question_mark", person=person)),
    EditorScene("relabel", lambda person: _open_dialog("tab", "r", *"r", person=person)),
    EditorScene("new-class", lambda person: _open_dialog("n", person=person)),
    EditorScene("quit", lambda person: _open_dialog("tab", "d", "q", person=person)),
    EditorScene("work", _work),
)

PICTURES = {
    "browse": "editor",
    "label-errors": "editor-labels",
    "duplicates": "editor-duplicates",
    "cut": "editor-stream",
}
"""The scenes that are pictures in the documentation, by the names of their files."""


async def take(scene: EditorScene, files: SceneFiles) -> str:
    """The picture of a scene as SVG."""
    recording = files.recording if scene.cutting else None
    async with editing(files.dataset, size=SIZE, bundle=BUNDLE, stream=recording) as (app, person):
        await person.wait()
        await scene.drive(person)
        app.clear_notifications()
        await person.tick()
        picture = app.export_screenshot(title="Tidzam dataset editor")
        for worker in app.workers:
            worker.cancel()
        await person.press("escape")
    return picture


def text_of(picture: str) -> str:
    """The characters in a picture, without trailing blanks; half-blocks of spectrograms are one `▀` per line."""
    lines: dict[float, list[tuple[int, str]]] = {}
    for x, y, content in re.findall(r'<text class="[\w-]+-r\d+" x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>', picture):
        text = html.unescape(content).replace("\xa0", " ")
        lines.setdefault(float(y), []).append((round(float(x) / _CELL_PX), text))
    rows = []
    for _, parts in sorted(lines.items()):
        row = ""
        for column, text in sorted(parts):
            row = f"{row:<{column}}{text}"
        rows.append(re.sub("▀+", "▀", row).rstrip())
    return "\n".join(rows) + "\n"


def keep(scene: EditorScene, picture: str) -> None:
    """Write the snapshot of a scene, and its picture in the documentation."""
    SNAPSHOTS.mkdir(exist_ok=True)
    (SNAPSHOTS / f"{scene.name}.txt").write_text(text_of(picture), encoding="utf-8")
    if scene.name in PICTURES:
        (DOCS / f"{PICTURES[scene.name]}.svg").write_text(picture, encoding="utf-8")
