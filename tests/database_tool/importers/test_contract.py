"""The contract of `Importer`, held by every importer, and importers of installed packages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path

import pytest

from database_tool.importers import IMPORTERS
from database_tool.importers.base import Importer, Parts
from database_tool.options import CompileOptions
from tests.support.database_tool import run
from tests.support.packages import write_package
from tests.support.sound import write_tones
from tidzam.dataset import open_dataset
from tidzam.errors import ConfigError, DatasetError
from tidzam.labels import label_fault

EXTENDING = Path(__file__).parents[3] / "docs" / "extending.md"
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
    help_text = run("import", name, "--help").stdout
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
    run("import", name, example, tmp_path / "pond", "--processes", "1")
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


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The importer of docs/extending.md as a package, and one that cannot be imported."""
    (source,) = re.findall(r"```python\n(# diary_importer\.py\n.*?)```", EXTENDING.read_text(encoding="utf-8"), re.S)
    site = tmp_path / "site"
    site.mkdir()
    write_package(site, "diary_importer", source, IMPORTERS.group, "diary = diary_importer:DiaryImporter")
    write_package(site, "torn_importer", "import torn", IMPORTERS.group, "torn = torn_importer:TornImporter")
    monkeypatch.syspath_prepend(site)
    vars(IMPORTERS).pop("_known", None)  # packages are looked up once per process
    yield tmp_path
    vars(IMPORTERS).pop("_known", None)


@pytest.fixture
def diary(installed: Path) -> Path:
    for year in ("2025", "2026"):
        (installed / year).mkdir()
        write_tones(installed / year / "night1.wav", 1, seconds=2)
    path = installed / "diary.txt"
    path.write_text("2025/night1.wav wren\n2026/night1.wav owl\n2026/night2.wav\n")
    return path


def test_the_importer_of_a_package_is_a_command(diary: Path) -> None:
    done = run("import", "diary", diary, diary.with_name("pond"), "--processes", "1")
    assert open_dataset(diary.with_name("pond")).classes == ("owl", "wren")
    assert "line 3 has no species and is skipped" in done.stderr


def test_the_importer_of_a_package_has_options_and_parts(diary: Path) -> None:
    run("import", "diary", diary, diary.with_name("pond"), "--by-folder", "--processes", "1")
    assert open_dataset(diary.with_name("pond-2025")).classes == ("wren",)
    assert open_dataset(diary.with_name("pond-2026")).classes == ("owl",)


def test_importers_are_listed_also_if_one_cannot_be_imported(installed: Path) -> None:
    listed = run("import", "--help").stdout
    assert "Field diaries" in listed
    assert "'torn'" in listed


def test_an_importer_that_cannot_be_imported_is_an_error_when_it_is_used(installed: Path) -> None:
    with pytest.raises(ConfigError, match="No module named 'torn'"):
        run("import", "torn", "diary.txt", "--species", "owl")
