"""The contract of `Importer`, held by every importer, and importers of installed packages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from database_tool.__main__ import app
from database_tool.importers import IMPORTERS
from database_tool.importers.base import Importer, Parts
from database_tool.options import CompileOptions
from tests.support.sound import write_tones
from tidzam.dataset import open_dataset
from tidzam.errors import ConfigError, DatasetError
from tidzam.labels import label_fault

RAVEN = "Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\n1\t0\t1\twren\n"
LISTS = {"csv": ("list.csv", "file,label\npond.wav,wren\n"), "raven": ("pond.txt", RAVEN)}
LISTS |= {"audacity": ("pond.txt", "0\t1\twren\n")}
AUDIO = {"folders": "wren/pond.wav", "clips": "wren/pond-out_0-2026-05-01-06-30-00.000.wav"}
AUDIO |= {"esc50": "wren/1-77-A.wav"}

GARBLED = {name: (file, "\x00\x01") for name, (file, _) in LISTS.items()} | {
    "esc50": ("meta/esc50.csv", "\x00\x01"),
    "folders": ("wren/notes.pdf", "\x00"),
    "clips": ("wren/notes.pdf", "\x00"),
}


@pytest.fixture(params=IMPORTERS.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def importer(name: str) -> Importer:
    made: Importer = IMPORTERS.load(name)()
    return made


@pytest.fixture
def example(name: str, tmp_path: Path) -> Path:
    """A folder with one clip in the importer's format."""
    folder = tmp_path / "example"
    audio = folder / AUDIO.get(name, "pond.wav")
    audio.parent.mkdir(parents=True)
    write_tones(audio, 1, seconds=2)
    if name in LISTS:
        file, text = LISTS[name]
        (folder / file).write_text(text)
    return folder


def read(importer: Importer, path: Path) -> Parts:
    return importer.read(path, say=lambda line: None)


def test_its_options_are_fields_with_defaults(name: str) -> None:
    kind = IMPORTERS.load(name)
    assert is_dataclass(kind)
    assert [one.name for one in fields(kind) if one.default is MISSING] == []


def test_its_options_are_not_those_of_every_import(name: str) -> None:
    own = {one.name for one in fields(IMPORTERS.load(name))}
    assert not own & {one.name for one in fields(CompileOptions)}


def test_it_describes_itself_and_its_path(name: str, importer: Importer) -> None:
    help_text = CliRunner().invoke(app, ["import", name, "--help"]).stdout
    assert (type(importer).__doc__ or "").split()[0] in help_text
    assert importer.path_help.split()[0] in help_text


def test_it_finds_labelled_clips(importer: Importer, example: Path) -> None:
    (clips,) = read(importer, example).values()
    assert [clip.label for clip in clips] == ["wren"]


def test_labels_groups_and_times_are_valid(importer: Importer, example: Path) -> None:
    for clip in read(importer, example)[""]:
        assert not label_fault(clip.label)
        assert clip.group
        assert clip.start_s >= 0


def test_it_finds_the_same_clips_again(importer: Importer, example: Path) -> None:
    assert read(importer, example) == read(importer, example)


def test_it_leaves_the_files_alone(importer: Importer, example: Path) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in example.rglob("*"))
    read(importer, example)
    assert sorted((path, path.stat().st_mtime_ns) for path in example.rglob("*")) == before


def test_what_it_finds_can_be_compiled(name: str, example: Path, tmp_path: Path) -> None:
    words = ["import", name, str(example), str(tmp_path / "pond"), "--processes", "1"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert open_dataset(tmp_path / "pond").classes == ("wren",)


def _nothing(folder: Path, name: str) -> Path:
    return folder / "nowhere"


def _empty_folder(folder: Path, name: str) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def _garbled(folder: Path, name: str) -> Path:
    file, text = GARBLED[name]
    path = folder / "garbled" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return folder / "garbled"


@pytest.mark.parametrize("make", [_nothing, _empty_folder, _garbled])
def test_what_it_cannot_read_is_a_dataset_error(
    importer: Importer, name: str, tmp_path: Path, make: Callable[[Path, str], Path]
) -> None:
    path = make(tmp_path, name)
    with pytest.raises(DatasetError, match=str(path)):
        read(importer, path)


PACKAGE = '''
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar
import typer
from tidzam.clips import Clip

@dataclass(frozen=True, kw_only=True)
class DiaryImporter:
    """A field diary."""
    path_help: ClassVar[str] = "The diary."
    species: Annotated[str, typer.Option("--species")] = "wren"

    def read(self, path, *, say):
        say("turning pages")
        return {"spring": [Clip(path.with_name(line), self.species, line) for line in path.read_text().split()]}
'''


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package on the path that adds the importers `diary` and `torn`; the latter cannot be imported."""
    metadata = tmp_path / "site" / "diary-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: diary\nVersion: 1.0\n")
    points = "diary = diary_importer:DiaryImporter\ntorn = torn_importer:TornImporter\n"
    (metadata / "entry_points.txt").write_text(f"[{IMPORTERS.group}]\n{points}")
    (tmp_path / "site" / "diary_importer.py").write_text(PACKAGE)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    monkeypatch.delitem(vars(IMPORTERS), "_known", raising=False)
    return tmp_path


@pytest.fixture(autouse=True)
def forgotten() -> Any:
    """Installed packages are looked up again by the next test."""
    yield
    vars(IMPORTERS).pop("_known", None)


def test_an_installed_importer_is_a_command_with_its_options(installed: Path) -> None:
    write_tones(installed / "night.wav", 1, seconds=2)
    (installed / "diary.txt").write_text("night.wav\n")
    words = ["import", "diary", str(installed / "diary.txt"), str(installed / "pond"), "--species", "owl"]
    done = CliRunner().invoke(app, [*words, "--processes", "1"])
    assert "turning pages" in done.stderr
    assert open_dataset(installed / "pond-spring").classes == ("owl",)


def test_importers_are_listed_also_if_one_cannot_be_imported(installed: Path) -> None:
    listed = CliRunner().invoke(app, ["import", "--help"]).stdout
    assert "A field diary." in listed
    assert "The importer 'torn'" in listed


def test_an_importer_that_cannot_be_imported_is_an_error_when_it_is_used(installed: Path) -> None:
    done = CliRunner().invoke(app, ["import", "torn", "diary.txt", "--species", "owl"])
    assert isinstance(done.exception, ConfigError)
    assert "No module named 'torn_importer'" in done.exception.message
