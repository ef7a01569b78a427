"""`python -m database_tool.editor` without its screens: playback, classes, usage errors."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from database_tool.editor.__main__ import cli, main
from tests.support.audio_datasets import write_sounds
from tests.support.datasets import draft, origin, sample, write
from tests.support.jack import jack_server
from tests.support.recorder import record
from tests.support.sound import tone
from tidzam.audio.features import FeatureSpec
from tidzam.dataset import DatasetWriter, Draft, Origin, open_dataset
from tidzam.errors import TidzamError
from tidzam.labels import LabelTree

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pond")
    spec = FeatureSpec(window_s=0.1)  # plays quickly
    with DatasetWriter(folder / "pond", Draft(name="pond", spec=spec, classes=("frog", "wren"), labels=TREE)) as writer:
        for label, name in enumerate(("frog", "wren")):
            path = folder / f"{name}.wav"
            soundfile.write(path, tone(500.0, rate_hz=22050), 22050)
            for at in (0.0, 0.5):
                writer.add(np.zeros(spec.shape, np.float32), label, Origin(str(path), at, 0, None, name))
        writer.finish(provenance={})
    return folder / "pond"


TREE = LabelTree({"birds": None, "wren": "birds", "frog": None})


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_samples_are_played_in_order_and_listed(pond: Path) -> None:
    done = run("--dataset", pond, "--play", "--output", "none")
    samples = [line.split()[:2] for line in done.stdout.splitlines()[1:]]
    assert done.exit_code == 0
    assert samples == [["0", "frog"], ["1", "frog"], ["2", "wren"], ["3", "wren"]]


def test_the_origin_of_a_sample_is_listed(pond: Path) -> None:
    lines = run("--dataset", pond, "--play", "--output", "none").stdout.splitlines()
    assert "wren.wav at 0:00.5 · channel 0 · recording wren" in lines[4]


def test_silent_output_is_announced(pond: Path) -> None:
    assert "listed, but not played" in run("--dataset", pond, "--play", "--output", "none").stdout


def test_a_class_is_played_by_its_id(pond: Path) -> None:
    done = run("--dataset", pond, "--play-id", 1, "--output", "none")
    assert "frog" not in done.stdout
    assert done.stdout.count("wren.wav") == 2


def test_samples_are_drawn_with_show(pond: Path) -> None:
    assert run("--dataset", pond, "--play-id", 1, "-s", "--output", "none").stdout.count("▀") >= 2 * 32 * 5


def test_show_lists_the_ids_to_choose_from(pond: Path) -> None:
    done = run("--dataset", pond, "--show")
    assert done.stdout.splitlines() == ["   0  frog  2 samples", "   1  birds > wren  2 samples"]


@pytest.fixture
def half_missing(tmp_path: Path) -> Path:
    """A dataset of two samples; the file of the first does not exist."""
    path = tmp_path / "there.wav"
    soundfile.write(path, tone(500.0, rate_hz=8000), 8000)
    with DatasetWriter(tmp_path / "half", draft()) as writer:
        for place in (origin(0), Origin(str(path))):
            writer.add(sample(0), 0, place)
        return writer.finish(provenance={}).folder


def test_missing_files_are_counted_and_end_it_with_1(half_missing: Path) -> None:
    done = run("--dataset", half_missing, "--play", "--output", "none")
    assert done.exit_code == 1
    assert "1 sample not played: their files do not exist" in done.stderr


def test_samples_after_a_missing_file_are_played(half_missing: Path) -> None:
    done = run("--dataset", half_missing, "--play", "--output", "none")
    assert "/sounds/0.flac does not exist any more" in done.stdout
    assert "there.wav at" in done.stdout


def fails(*words: object) -> TidzamError:
    """The error that a command line ends with."""
    error = run(*words).exception
    assert isinstance(error, TidzamError)
    return error


def test_a_dataset_that_does_not_exist(tmp_path: Path) -> None:
    assert fails("--dataset", tmp_path / "none").code == "dataset_missing"


def test_a_dataset_of_another_version(tmp_path: Path) -> None:
    manifest = write(tmp_path / "old", [0]).folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format_version": 1', '"format_version": 7'))
    assert fails("--dataset", tmp_path / "old").code == "dataset_version"


def test_an_id_that_does_not_exist(pond: Path) -> None:
    assert "Its classes are 0 frog, 1 wren" in str(fails("--dataset", pond, "--play-id", 7))


def test_a_jack_server_that_does_not_exist(pond: Path) -> None:
    assert fails("--dataset", pond, "--play", "--output", "jack", "--jack-server", "nonesuch").code == "audio_output"


def test_without_a_terminal_the_editor_does_not_open(pond: Path) -> None:
    assert "needs a terminal" in str(fails("--dataset", pond))


@pytest.mark.parametrize("words", [[], ["--dataset", "pond", "--play-id", "-1"]])
def test_wrong_usage_ends_it_with_2(words: list[str]) -> None:
    assert run(*words).exit_code == 2


def test_an_error_is_one_line_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["editor", "--dataset", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 1
    assert line.startswith("database_tool.editor: ")


def test_help_names_all_options() -> None:
    text = run("-h").stdout
    for option in ("--dataset", "--stream", "--play", "--play-id", "--show", "-s", "--bundle", "--output"):
        assert option in text


def at_a_terminal(typed: str, *words: object, once: str) -> tuple[int, str]:
    """The exit code and the output if `typed` is typed as soon as `once` is shown."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (30, 100))
    argv = [sys.executable, "-m", "database_tool.editor", *map(str, words)]
    process = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # how the end of a terminal is read
        while got := os.read(ours, 65536):
            shown += got
            if typed and once in shown.decode(errors="replace"):
                os.write(ours, typed.encode())
                typed = ""
    os.close(ours)
    return process.wait(), shown.decode()


def test_at_a_terminal_show_asks_for_the_class_to_play(pond: Path) -> None:
    question = "class to play"
    code, shown = at_a_terminal("1\n", "--dataset", pond, "--play", "--show", "--output", "none", once=question)
    assert code == 0
    assert shown.count("wren.wav at") == 2
    assert "frog.wav" not in shown


def test_at_a_terminal_the_editor_opens_and_closes(pond: Path) -> None:
    code, shown = at_a_terminal("q", "--dataset", pond, once="2 classes")
    assert code == 0
    assert "4 samples" in shown
    assert "Traceback" not in shown


def test_at_a_terminal_a_new_dataset_is_made(tmp_path: Path) -> None:
    code, shown = at_a_terminal("owl\n", "--dataset", tmp_path / "new", "--show", once="First class of a new one")
    assert code == 0
    assert "0  owl  0 samples" in shown
    assert open_dataset(tmp_path / "new").manifest.counts == {"owl": 0}


@pytest.mark.jack
def test_a_sample_is_played_through_jack(tmp_path: Path) -> None:
    frog, spec = write_sounds(tmp_path / "sounds")["frog"], FeatureSpec(window_s=4)  # long enough to be recorded
    with DatasetWriter(tmp_path / "pond", Draft(name="pond", spec=spec, classes=("frog",), labels=TREE)) as writer:
        writer.add(np.zeros(spec.shape, np.float32), 0, Origin(str(frog)))
        writer.finish(provenance={})
    with jack_server(rate_hz=22050) as server:
        argv = [sys.executable, "-m", "database_tool.editor", "--dataset", str(tmp_path / "pond"), "--play-id", "0"]
        process = subprocess.Popen(
            [*argv, "--output", "jack", "--jack-server", server.name],
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            stdout=subprocess.PIPE,
            text=True,
        )
        stop = threading.Timer(40, process.kill)
        stop.start()
        try:
            recorded = record(server, ["tidzam-editor:out_0"], tmp_path, seconds=0.4).samples[:, 0]
        finally:
            process.terminate()
            process.communicate()
            stop.cancel()
    spectrum = np.abs(np.fft.rfft(recorded * np.hanning(len(recorded))))
    assert recorded.max() > 0.1
    assert spectrum.argmax() * 22050 / len(recorded) == pytest.approx(500, abs=6)
