"""Whatever is killed when: no file is lost, none is analyzed twice, and the CSV file has every row once."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
import soundfile

from analyzer.inbox.detection_log import HEADER
from analyzer.inbox.journal import InboxJournal
from tests.support.inbox import JSON_LINES, InboxTemplate, name_of, settings_of, work_off
from tests.support.sound import tone
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(180)

RATE_HZ: Final = 22050
FILES: Final = 200
KILLS: Final = 20
SEED: Final = 12
WITHIN_S: Final = 60.0
STEPS_OF_TWO_FILES: Final = 30


def sounds() -> Sequence[Float32]:
    """A second each of an owl, of nothing, and of both kinds of sound."""
    return [tone(*hz, rate_hz=RATE_HZ, amplitude=0.9 / max(1, len(hz))) for hz in ((2000.0,), (), (500.0, 2000.0))]


def node(folder: Path, files: int, *, staged: bool = False) -> Path:
    """The folders of a node with some files that wait, or are yet to arrive."""
    for name in ("staged", "audio/audio-temp", "audio/audio-to-parse"):
        (folder / name).mkdir(parents=True)
    kinds = sounds()
    for number in range(files):
        path = folder / ("staged" if staged else "audio/audio-to-parse") / name_of(number)
        soundfile.write(path, kinds[number % len(kinds)], RATE_HZ, subtype="PCM_16")
    return folder


def finish(template: InboxTemplate, folder: Path, nn: Path) -> None:
    """Let all files be analyzed."""
    with template.run("inference", folder=folder, nn=nn) as run:
        assert run.wait(WITHIN_S)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def table(folder: Path) -> bytes:
    """The only CSV file of a node."""
    (path,) = folder.glob("detections*.csv")
    return path.read_bytes()


def assert_same(folder: Path, undisturbed: Path) -> None:
    """Everything is as if nothing had been killed; only the order of the rows may differ."""
    assert names(folder / "audio/audio-to-parse") == names(folder / "audio/audio-rejected") == []
    assert names(folder / "audio/audio-parsed") == names(undisturbed / "audio/audio-parsed")
    assert table(folder).startswith(HEADER)
    assert sorted(table(folder).splitlines(keepends=True)) == sorted(table(undisturbed).splitlines(keepends=True))
    with (
        InboxJournal(folder / "inference.journal") as journal,
        InboxJournal(undisturbed / "inference.journal") as expected,
    ):
        assert journal.counts() == expected.counts()
        assert journal.entries() == []


@pytest.fixture(scope="module")
def undisturbed(nn: Path, template: InboxTemplate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node whose inference analyzed all files without being killed."""
    folder = node(tmp_path_factory.mktemp("undisturbed"), FILES)
    finish(template, folder, nn)
    return folder


def test_an_undisturbed_run_finds_what_there_is(undisturbed: Path) -> None:
    with InboxJournal(undisturbed / "inference.journal") as journal:
        counts = journal.counts()
    owls = len(range(0, FILES, 3)) + len(range(2, FILES, 3))
    rain = len(range(2, FILES, 3))
    assert (counts.analyzed, counts.with_detections, counts.detections) == (FILES, owls, owls + rain)
    assert len(table(undisturbed).splitlines()) == 1 + owls + rain


def test_random_kills_of_the_recorder_and_the_inference_cost_and_repeat_nothing(
    nn: Path, template: InboxTemplate, undisturbed: Path, tmp_path: Path
) -> None:
    folder, chance = node(tmp_path, FILES, staged=True), random.Random(SEED)
    killed = 0
    for _ in range(KILLS):
        with (
            template.run("arrivals", folder=folder) as recorder,
            template.run("inference", folder=folder, nn=nn) as run,
        ):
            recorder.wait(chance.uniform(0.0, 0.003))
            recorder.kill()
            killed += not run.wait(chance.uniform(0.05, 0.35))
    with template.run("arrivals", folder=folder) as recorder:
        assert recorder.wait(WITHIN_S)
    finish(template, folder, nn)
    assert killed > KILLS // 2
    assert_same(folder, undisturbed)
    assert delivered(folder) == delivered(undisturbed)


def delivered(folder: Path) -> Sequence[tuple[str, str]]:
    """The time and the class of each detection that the sink has received, each id once."""
    lines = (json.loads(line) for line in (folder / JSON_LINES).read_text().splitlines())
    found = {line["id"]: (line["start"], line["path"][-1]) for line in lines}
    return sorted(found.values())


def test_a_kill_before_any_step_costs_and_repeats_nothing(nn: Path, template: InboxTemplate, tmp_path: Path) -> None:
    expected = node(tmp_path / "expected", 2)
    work_off(expected, settings_of(expected, nn))
    step, was_killed = 0, True
    while was_killed:
        step += 1
        folder = node(tmp_path / str(step), 2)
        with template.run("work", folder=folder, nn=nn, kill_at=step) as run:
            assert run.wait(WITHIN_S)
        was_killed = bool(names(folder / "audio/audio-to-parse")) or is_unfinished(folder)
        work_off(folder, settings_of(folder, nn))
        assert_same(folder, expected)
    assert step > STEPS_OF_TWO_FILES


def is_unfinished(folder: Path) -> bool:
    """Whether a file was not taken through all steps."""
    with InboxJournal(folder / "inference.journal") as journal:
        return bool(journal.entries())
