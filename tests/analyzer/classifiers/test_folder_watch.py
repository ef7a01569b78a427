"""What the watch of bundles' folders sees, and when it reports it."""

import asyncio
from pathlib import Path

import pytest

from analyzer.classifiers.folder_watch import FolderWatch, bundle_files
from tests.support.bundles import write_tone_bundle


@pytest.fixture
def nn(tmp_path: Path) -> Path:
    write_tone_bundle(tmp_path / "nn", "selector", {"low": (440.0,)})
    return tmp_path / "nn"


def names(*folders: Path) -> list[str]:
    return [Path(path).name for path, *_ in bundle_files(folders)]


def test_the_files_of_bundles_are_seen_from_the_folder_and_from_the_bundle(nn: Path) -> None:
    assert names(nn) == names(nn / "selector") == ["manifest.json", "model.onnx"]


def test_what_is_no_bundle_is_not_looked_at(nn: Path) -> None:
    (nn / "notes").mkdir()
    (nn / "notes" / "todo.txt").write_text("x")
    assert names(nn) == ["manifest.json", "model.onnx"]


def test_a_folder_that_does_not_exist_holds_nothing(tmp_path: Path) -> None:
    assert bundle_files([tmp_path / "nowhere"]) == ()


def test_a_rewritten_file_differs(nn: Path) -> None:
    before = bundle_files([nn])
    network = nn / "selector" / "model.onnx"
    network.write_bytes(network.read_bytes())
    assert bundle_files([nn]) != before


async def test_a_second_bundle_is_reported(nn: Path) -> None:
    watch = FolderWatch(lambda: [nn], bundle_files([nn]), settle_s=0.5)
    reported = asyncio.create_task(watch.changed())
    await asyncio.sleep(0)
    write_tone_bundle(nn, "expert", {"high": (3000.0,)})
    await asyncio.wait_for(reported, 10)


async def test_what_was_known_at_the_start_is_not_reported(nn: Path) -> None:
    watch = FolderWatch(lambda: [nn], bundle_files([nn]), settle_s=0.5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch.changed(), 1.5)
