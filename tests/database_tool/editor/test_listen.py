"""`python -m database_tool.editor` without a screen: playing, classes, usage, and what is wrong told in a line."""

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
from tests.support.bundles import tone
from tests.support.datasets import draft, origin, sample, write
from tests.support.jack import jack_server
from tests.support.recorder import record
from tidzam.audio.features import FeatureSpec
from tidzam.dataset import DatasetWriter, Draft, Origin, open_dataset
from tidzam.errors import TidzamError
from tidzam.labels import LabelTree

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pond")
    spec = FeatureSpec(window_s=0.1)  # so that playing it does not take long
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


def test_all_is_played_and_told(pond: Path) -> None:
    done = run("--dataset", pond, "--play", "--output", "none")
    lines = done.stdout.splitlines()
    assert done.exit_code == 0 and "only shows what would be heard" in lines[0]
    assert [line.split()[:2] for line in lines[1:]] == [["0", "frog"], ["1", "frog"], ["2", "wren"], ["3", "wren"]]
    assert "wren.wav at 0:00.5 · channel 0 · recording wren" in lines[4]


def test_a_class_is_played_by_its_id_and_drawn(pond: Path) -> None:
    done = run("--dataset", pond, "--play-id", 1, "-s", "--output", "none")
    assert done.exit_code == 0 and "frog" not in done.stdout and done.stdout.count("wren.wav") == 2
    assert done.stdout.count("▀") >= 2 * 32 * 5


def test_show_lists_the_ids_to_choose_from(pond: Path) -> None:
    done = run("--dataset", pond, "--show")
    assert done.stdout.splitlines() == ["   0  frog  2 samples", "   1  birds > wren  2 samples"]


def test_files_that_are_gone_are_told_and_the_rest_is_played(tmp_path: Path) -> None:
    path = tmp_path / "there.wav"
    soundfile.write(path, tone(500.0, rate_hz=8000), 8000)
    with DatasetWriter(tmp_path / "pond", draft()) as writer:
        for place in (origin(0), Origin(str(path))):
            writer.add(sample(0), 0, place)
        writer.finish(provenance={})
    done = run("--dataset", tmp_path / "pond", "--play", "--output", "none")
    assert done.exit_code == 1 and "1 samples were not heard" in done.stderr
    assert "/sounds/0.flac is not there any more" in done.stdout and "there.wav at" in done.stdout


def wrong(*words: object) -> TidzamError:
    error = run(*words).exception
    assert isinstance(error, TidzamError)
    return error


def test_what_is_wrong_is_told(pond: Path, tmp_path: Path) -> None:
    assert wrong("--dataset", tmp_path / "none").code == "dataset_missing"
    assert "It has: 0 frog, 1 wren" in str(wrong("--dataset", pond, "--play-id", 7))
    assert wrong("--dataset", pond, "--play", "--output", "jack", "--jack-server", "nonesuch").code == "audio_output"
    assert "needs a terminal" in str(wrong("--dataset", pond))
    write(tmp_path / "old", [0])
    manifest = tmp_path / "old" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format_version": 1', '"format_version": 7'))
    assert wrong("--dataset", tmp_path / "old").code == "dataset_version"
    assert run().exit_code == 2 and run("--dataset", pond, "--play-id", -1).exit_code == 2


def test_it_ends_with_one_line_and_a_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["editor", "--dataset", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    (line,) = capsys.readouterr().err.splitlines()
    assert (
        ended.value.code == 1 and line.startswith("database_tool.editor: ") and "manifest.json cannot be read" in line
    )


def test_help_names_all_options() -> None:
    words = run("-h").stdout
    for option in ("--dataset", "--stream", "--play", "--play-id", "--show", "-s", "--bundle", "--output"):
        assert option in words


def at_a_terminal(typed: str, *words: object, once: str) -> tuple[int, str]:
    """Its exit code and what it showed to somebody who types this once that is shown."""
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
    code, shown = at_a_terminal("1\n", "--dataset", pond, "--play", "--show", "--output", "none", once="Class to play")
    assert code == 0 and "Class to play" in shown and shown.count("wren.wav at") == 2 and "frog.wav" not in shown


def test_at_a_terminal_it_opens_and_closes(pond: Path) -> None:
    code, shown = at_a_terminal("q", "--dataset", pond, once="2 classes")
    assert code == 0 and "4 samples" in shown and "Traceback" not in shown


def test_at_a_terminal_a_new_dataset_is_begun(tmp_path: Path) -> None:
    code, shown = at_a_terminal("owl\n", "--dataset", tmp_path / "new", "--show", once="First class of a new one")
    assert code == 0 and "0  owl  0 samples" in shown
    assert open_dataset(tmp_path / "new").manifest.counts == {"owl": 0}


def test_it_is_heard_in_jack(tmp_path: Path) -> None:
    frog, spec = write_sounds(tmp_path / "sounds")["frog"], FeatureSpec(window_s=4)  # there is time to listen
    with DatasetWriter(tmp_path / "pond", Draft(name="pond", spec=spec, classes=("frog",), labels=TREE)) as writer:
        writer.add(np.zeros(spec.shape, np.float32), 0, Origin(str(frog)))
        writer.finish(provenance={})
    with jack_server(rate_hz=22050) as server:
        argv = [sys.executable, "-m", "database_tool.editor", "--dataset", tmp_path / "pond", "--play-id", "0"]
        process = subprocess.Popen(
            [*argv, "--output", "jack", "--jack-server", server.name],
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
            stdout=subprocess.PIPE,
            text=True,
        )
        stop = threading.Timer(40, process.kill)
        stop.start()
        try:
            heard = record(server, ["tidzam-editor:out_0"], tmp_path, seconds=0.4).samples[:, 0]
        finally:
            process.terminate()
            process.communicate()
            stop.cancel()
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert heard.max() > 0.1 and spectrum.argmax() * 22050 / len(heard) == pytest.approx(500, abs=6)
