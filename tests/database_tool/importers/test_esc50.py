"""ESC-50's layout, from a folder or from an address."""

import io
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner

from database_tool.__main__ import app
from database_tool.importers.esc50 import fetch, find_esc50
from tests.support.web import serve_in_thread
from tidzam.dataset import open_dataset
from tidzam.errors import DatasetError, SetupError

META = """\
filename,fold,target,category,esc10,src_file,take
1-100032-A-0.wav,1,0,dog,True,100032,A
2-100038-A-14.wav,2,14,chirping_birds,False,100038,A
1-100032-B-0.wav,1,0,dog,True,100032,B
"""


def archive(meta: str = META) -> bytes:
    packed, sound = io.BytesIO(), io.BytesIO()
    soundfile.write(sound, [0.1] * 8000, 8000, format="WAV")
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("ESC-50-master/meta/esc50.csv", meta)
        file.writestr("ESC-50-master/audio/1-100032-A-0.wav", sound.getvalue())
        file.writestr("ESC-50-master/audio/2-100038-A-14.wav", sound.getvalue())
        file.writestr("ESC-50-master/README.md", "not wanted")
        file.writestr("ESC-50-master/audio/../../evil.wav", b"not wanted")
    return packed.getvalue()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    home = tmp_path / "served"
    home.mkdir()
    (home / "esc.zip").write_bytes(archive())
    (home / "other.zip").write_bytes(b"no archive")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=home))
    serve_in_thread(server)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_folds_are_by_the_list(tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_text(META)
    folds = find_esc50(tmp_path)
    assert {fold: [clip.label for clip in clips] for fold, clips in folds.items()} == {
        1: ["dog", "dog"],
        2: ["chirping_birds"],
    }
    assert {clip.group for clip in folds[1]} == {"100032"}
    assert folds[1][0].path == tmp_path / "audio" / "1-100032-A-0.wav"
    assert set(find_esc50(tmp_path, only_esc10=True)) == {1}


def test_folds_are_by_names_without_a_list(tmp_path: Path) -> None:
    for name in ("dog/1-1-A.ogg", "dog/3-2-A.ogg", "rain/1-3-A.ogg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert {fold: len(clips) for fold, clips in find_esc50(tmp_path).items()} == {1: 2, 3: 1}
    (tmp_path / "rain" / "bark.ogg").touch()
    with pytest.raises(DatasetError, match=r"bark\.ogg does not begin with a fold"):
        find_esc50(tmp_path)


def test_it_is_fetched_and_only_what_is_wanted_unpacked(tmp_path: Path, address: str) -> None:
    seen: list[tuple[int, int]] = []
    folder = fetch(f"{address}/esc.zip", tmp_path / "esc", advance=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(archive()), len(archive()))
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == [
        "audio/1-100032-A-0.wav",
        "audio/2-100038-A-14.wav",
        "meta/esc50.csv",
    ]
    assert len(find_esc50(folder)) == 2
    assert not list(tmp_path.rglob("evil.wav"))
    assert fetch("http://127.0.0.1:9/", folder, advance=print) == folder  # it is there: nothing is fetched


def test_it_is_imported_from_its_address(tmp_path: Path, address: str) -> None:
    for name, options, counts in (("all", (), {"chirping_birds": 1, "dog": 1}), ("ten", ("--esc10",), {"dog": 1})):
        words = ["import", "esc50", str(tmp_path / "esc"), str(tmp_path / name), "--processes", "1", *options]
        done = CliRunner().invoke(app, [*words, "--fetch", "--address", f"{address}/esc.zip"])
        assert done.exit_code == 0
        assert "1 file left out" in done.stdout  # the archive lacks it
        assert open_dataset(tmp_path / name).manifest.counts == counts


def test_without_a_network_it_says_so(tmp_path: Path, address: str) -> None:
    with pytest.raises(SetupError, match=r"Cannot download .*refused"):
        fetch("http://127.0.0.1:9/esc.zip", tmp_path / "esc", advance=print)
    with pytest.raises(SetupError, match=r"Cannot download .*: File not found"):
        fetch(f"{address}/nowhere.zip", tmp_path / "esc", advance=print)
    with pytest.raises(DatasetError, match="is not a zip archive"):
        fetch(f"{address}/other.zip", tmp_path / "esc", advance=print)
    assert not list((tmp_path / "esc").iterdir())


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
def test_a_list_in_another_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "meta").mkdir()
    meta = META.replace("dog", " mésange ").replace("1-100032-A-0.wav", "\u00a01-100032-A-0.wav")
    (tmp_path / "meta" / "esc50.csv").write_bytes(meta.encode(encoding))
    folds = find_esc50(tmp_path)
    assert [clip.label for clip in folds[1]] == ["mésange", "mésange"]
    assert folds[1][0].path == tmp_path / "audio" / "1-100032-A-0.wav"


@pytest.mark.parametrize("fold", ["one", "-1", "", "9" * 5000])
def test_a_fold_that_is_no_number_names_its_line(tmp_path: Path, fold: str) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_text(META.replace(".wav,2,", f".wav,{fold},"))
    with pytest.raises(DatasetError, match=r"Line 3 of .*esc50\.csv cannot be used: fold is "):
        find_esc50(tmp_path)
