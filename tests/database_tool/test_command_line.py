"""`python -m database_tool`: every option of the original, the commands, what they print and how they end."""

import json
import os
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from rich.console import Console
from typer.testing import CliRunner, Result

from database_tool import terminal
from database_tool.__main__ import app
from database_tool.options import processes_of, tree_of
from tests.support.bundles import write_tone_bundle
from tests.support.datasets import numbers
from tests.support.datasets import write as write_dataset
from tidzam.audio.features import FeatureSpec
from tidzam.dataset import open_dataset
from tidzam.errors import DatasetError
from tidzam.parallel import cores

SMALL = ("--rate-hz", "8000", "--mels", "16", "--processes", "1")


def run(*arguments: object, code: int = 0) -> Result:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


def values(*arguments: object) -> dict[str, Any]:
    found = json.loads(run(*arguments, "--json").stdout)
    assert isinstance(found, dict)
    return found


def sound(path: Path, seconds: float = 2.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(sum(path.name.encode()))
    soundfile.write(path, 0.1 * draw.standard_normal(round(seconds * 8000)), 8000)
    return path


@pytest.fixture
def sounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for label, count in (("frog", 5), ("rain", 3)):
        for number in range(count):
            sound(tmp_path / "sounds" / label / f"{label}{number}.wav")
    return tmp_path / "sounds"


def test_the_options_of_the_original(sounds: Path) -> None:
    one = ("--processes", "1")
    done = run("--dataset", "pond", "--audio-folder", sounds, *one)
    assert "16 samples of 2 classes" in done.stdout and "8000 Hz is brought to 22050 Hz" in done.stderr
    run("--dataset", "pond", "--audio-folder", sounds / "rain", "--classe", "water", *one)
    assert open_dataset(Path("pond")).manifest.counts == {"frog": 10, "rain": 6, "water": 6}
    run("--dataset", "pond", "--classe", "owl")
    run("--dataset", "creek", "--audio-folder", sounds / "rain", "--classe", "rain", *one)
    run("--dataset", "pond", "--merge", "creek")
    run("--dataset", "pond", "--merge", "creek", "--classe", "stream")
    assert open_dataset(Path("pond")).manifest.counts == {"frog": 10, "rain": 12, "water": 6, "owl": 0, "stream": 6}
    told = run("--dataset", "pond", "--rename", "marsh", "--balance", "--randomize", "--seed", "1").stdout
    assert "made 14 copies: 2 of frog, 6 of water, 6 of stream" in told and "random order" in told
    run("--dataset", "marsh", "--split", "0.25", "--split-name", "held-out")
    train, test = open_dataset(Path("marsh")), open_dataset(Path("held-out"))
    assert len(train) + len(test) == 48 and not set(train.groups) & set(test.groups)
    told = run("--dataset", "marsh", "--metadata", "--file-count", "--info").stdout
    assert "marsh: 5 files" in told and "dB on average" in told and "frog" in told and "made by: compile" in told
    found = values("--dataset", "marsh", "--metadata")
    assert len(found["statistics"]["mean_db"]) == 64 and found["done"][0]["dataset"].endswith("marsh")
    assert not Path("pond").exists()


def test_the_options_of_the_original_go_on_one_at_a_time(tmp_path: Path) -> None:
    pond = write_dataset(tmp_path / "pond", [0, 0, 1]).folder
    run("--dataset", pond, "--balance", "--metadata", "--file-count", "--info", "--resume")
    assert len(open_dataset(pond)) == 4


def test_the_readable_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_dataset(Path("pond"), [0] * 12 + [1] * 4)
    write_dataset(Path("creek"), [1, 2], first=100)
    assert values("merge", "pond", "creek", "--classe", "owl", "--into", "all")["merged"] == 2
    assert open_dataset(Path("all")).manifest.counts == {"frog": 12, "rain": 4, "wren": 0, "owl": 2}
    assert values("merge", "pond", "creek", "creek")["counts"] == {"frog": 12, "rain": 6, "wren": 2}
    assert values("balance", "pond", "--into", "even")["copies"] == {"frog": 0, "rain": 6, "wren": 10}
    for seed in (1, 2):
        run("randomize", "pond", "--into", f"order-{seed}", "--seed", seed)
    before, one, other = (numbers(open_dataset(Path(name))) for name in ("pond", "order-1", "order-2"))
    assert sorted(before) == sorted(one) == sorted(other) and one != other
    assert len(open_dataset(Path("pond"))) == 20
    assert values("add-class", "pond", "owl")["counts"]["owl"] == 0
    assert values("rename", "pond", "marsh")["was"] == "pond" and not Path("pond").exists()
    assert len(values("metadata", "marsh")["statistics"]["mean_db"]) == 8
    assert all(step in run("info", "marsh").stdout for step in ("merge", "add class", "rename"))


def test_seed_and_unit_are_heeded(tmp_path: Path) -> None:
    def steps(name: str) -> list[tuple[object, object]]:
        found = values("info", tmp_path / name)["steps"]
        return [(step["seed"], step.get("by")) for step in found]

    pond = write_dataset(tmp_path / "pond", [0] * 12 + [1] * 8).folder
    run("split", pond, "--folds", "2", "--by", "source", "--seed", "3")
    assert steps("pond-fold-2") == [(3, "source")]
    run("split", pond, "--share", "0.5", "--rest", "rest", "--by", "source", "--seed", "4")
    assert steps("pond-test") == steps("rest") == [(4, "source")]
    run("balance", pond, "--into", tmp_path / "even", "--seed", "5")
    assert steps("even") == [(5, None)]
    run("--dataset", pond, "--balance", "--randomize", "--split", "0.5", "--split-name", "part", "--seed", "6")
    assert steps("pond") == [(6, None), (6, None), (6, "group")]
    with pytest.raises(DatasetError, match="which day"):
        run("split", pond, "--share", "0.5", "--name", "other", "--by", "day")


def test_progress_is_drawn_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = StringIO()
    monkeypatch.setattr(terminal, "errors", Console(file=shown, force_terminal=True))
    run("verify", write_dataset(tmp_path / "pond", [0]).folder)
    assert "verifying" in shown.getvalue() and "3/3" in shown.getvalue()


@pytest.mark.parametrize("command", [("merge", "creek"), ("balance",), ("randomize",)])
def test_what_is_there_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, samples in (("pond", 3), ("creek", 2), ("mine", 1)):
        write_dataset(Path(name), [0] * samples)
    with pytest.raises(DatasetError, match="There is a dataset at mine already"):
        run(command[0], "pond", *command[1:], "--into", "mine")
    assert len(open_dataset(Path("mine"))) == 1


def test_a_split_goes_on_where_one_part_was_finished(sounds: Path) -> None:
    run("create", "pond", sounds, *SMALL)
    run("split", "pond", "--share", "0.3", "--name", "test", "--rest", "train", "--by", "source")
    Path("train").rename("away")
    with pytest.raises(DatasetError, match=r"There is a dataset at .*test already"):
        run("split", "pond", "--share", "0.3", "--name", "test", "--by", "source")
    with pytest.raises(DatasetError, match=r"There is a dataset at .*test already"):
        run("split", "pond", "--share", "0.4", "--name", "test", "--rest", "train", "--by", "source", "--resume")
    parts = values("split", "pond", "--share", "0.3", "--name", "test", "--rest", "train", "--by", "source", "--resume")
    assert sum(part["samples"] for part in parts["parts"]) == 16


def test_a_new_dataset_of_one_empty_class(tmp_path: Path) -> None:
    run("--dataset", tmp_path / "pond", "--classe", "owl")
    assert open_dataset(tmp_path / "pond").manifest.counts == {"owl": 0}
    assert values("info", tmp_path / "pond")["samples"] == 0


def test_wrong_usage_is_told(tmp_path: Path) -> None:
    assert "Name a command" in run(code=2).stderr
    assert "without a command" in run("--dataset", "a", "info", "b", code=2).stderr
    assert "one of the two" in run("split", "a", "--share", "0.2", "--folds", "2", code=2).stderr
    assert "--by is" in run("split", "a", "--folds", "2", "--by", "moon", code=2).stderr
    sound(tmp_path / "a.wav")
    assert "mix or each" in run("create", tmp_path / "d", tmp_path, "--classe", "x", "--channels", "all", code=2).stderr
    pond = write_dataset(tmp_path / "pond", [0, 0, 1]).folder
    assert "goes with --split" in run("--dataset", pond, "--balance", "--split-name", "x", code=2).stderr
    assert "goes on with one thing" in run("--dataset", pond, "--balance", "--randomize", "--resume", code=2).stderr
    assert len(open_dataset(pond)) == 3  # nothing was done before


def test_create_split_verify_export_and_import_again(sounds: Path) -> None:
    made = values("create", "pond", sounds, *SMALL, "--window", "0.5", "--hop", "0.25")
    assert made["counts"] == {"frog": 35, "rain": 21} and made["skipped"] == []
    with pytest.raises(DatasetError, match="Say --add or --replace"):
        run("create", "pond", sounds, *SMALL)
    assert values("create", "pond", sounds, *SMALL, "--window", "0.5", "--replace")["samples"] == 32
    parts = values("split", "pond", "--share", "0.3", "--name", "test", "--rest", "train", "--seed", "2")["parts"]
    assert sum(part["samples"] for part in parts) == len(open_dataset(Path("pond"))) == 32
    folds = values("split", "pond", "--folds", "3")["parts"]
    assert [Path(part["dataset"]).name for part in folds] == ["pond-fold-1", "pond-fold-2", "pond-fold-3"]
    assert all(min(part["counts"].values()) > 0 for part in folds)
    assert values("verify", "pond") == {"dataset": "pond", "whole": True, "damaged": []}
    assert values("export", "test", "test.csv")["written"] == parts[0]["samples"]
    again = values("import", "csv", "test.csv", "again", "--like", "pond", "--processes", "1")
    assert again["counts"] == parts[0]["counts"]
    one, other = open_dataset(Path("test")), open_dataset(Path("again"))
    np.testing.assert_array_equal(one.features(range(len(one))), other.features(range(len(one))))
    clips = values("export", "test", "clips", "--clips")
    assert clips["written"] == len(one) == len(list(Path("clips").glob("*/*.flac")))
    (sounds / "frog" / Path(one.origins()[0].file).name).unlink()
    assert values("export", "test", "clips", "--clips")["missing"] == 4


def test_how_sound_is_compiled_is_told_by_options(sounds: Path) -> None:
    assert processes_of(0) == cores() and processes_of(3) == 3
    soundfile.write(sounds / "rain" / "stereo.wav", 0.1 * np.random.default_rng(0).standard_normal((8000, 2)), 8000)
    assert values("create", "pond", sounds, *SMALL, "--channels", "each")["counts"] == {"frog": 10, "rain": 8}
    assert open_dataset(Path("pond")).spec.rate_hz == 8000
    assert values("create", "pond", sounds / "frog", "--classe", "owl", "--add")["counts"]["owl"] == 10
    bundle = write_tone_bundle(
        sounds.parent, "tones", {"frog": (500.0,)}, features=FeatureSpec(window_s=0.5, n_mels=32)
    )
    run("create", "like", sounds, "--like", bundle.folder, "--processes", "1")
    assert open_dataset(Path("like")).spec == bundle.manifest.features
    (sounds / "rain" / "empty.wav").touch()
    with pytest.raises(DatasetError, match="leave --strict out"):
        run("create", "other", sounds, *SMALL, "--strict")
    assert values("create", "other", sounds, *SMALL)["skipped"][0]["file"].endswith("empty.wav")


def test_damage_is_told_and_ends_in_1(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "pond", [0, 1, 2]).folder
    with (folder / "shards" / "00000.features.npy").open("r+b") as file:
        file.seek(200)
        file.write(b"x")
    assert "00000.features.npy: its checksum differs" in run("verify", folder, code=1).stderr
    found = json.loads(run("verify", folder, "--json", code=1).stdout)
    assert not found["whole"] and len(found["damaged"]) == 1


def test_info_tells_of_few_recordings_and_of_what_was_left_out(sounds: Path) -> None:
    (sounds / "frog" / "empty.wav").touch()
    sound(sounds / "owl" / "owl-2026-05-01-06-30-00.wav")
    run("create", "pond", sounds, *SMALL)
    found = values("info", "pond")
    assert found["classes"][1] == {"label": "owl", "parent": None, "samples": 2, "recordings": 1}
    assert found["steps"][0]["source"] == str(sounds)
    assert found["first"] == "2026-05-01T06:30:00+00:00" and found["features"]["n_mels"] == 16
    assert "left out" in run("info", "pond").stdout
    assert "class owl has fewer than 2 recordings" in run("split", "pond", "--share", "0.2").stderr
    assert open_dataset(Path("pond")).manifest.counts["owl"] == 2  # a class of one recording stays with the larger part


def test_labels_are_put_under_their_parents(sounds: Path) -> None:
    Path("tree.yaml").write_text("animals:\nfrog: animals\nrain:\n")
    run("create", "pond", sounds, *SMALL, "--labels", "tree.yaml")
    assert values("info", "pond")["classes"][0]["parent"] == "animals"
    Path("tree.yaml").write_text("- frog\n")
    with pytest.raises(DatasetError, match="is not a label tree"):
        run("create", "other", sounds, *SMALL, "--labels", "tree.yaml")


def test_imports(sounds: Path) -> None:
    kept = sound(sounds.parent / "kept" / "owl" / "pond-out_0-2026-05-01-06-30-00.000.wav", 1.0)
    sound(kept.parent.parent / "unknown" / "pond-out_0-2026-05-01-06-30-01.000.wav", 1.0)
    (kept.parent.parent / "wren").mkdir()
    (kept.parent / ".pond-out_0-2026-05-01-06-30-02.000.wav.part").touch()
    (kept.parent.parent / "fox").mkdir()
    (kept.parent.parent / "fox" / ".pond-out_0-2026-05-01-06-30-02.000.wav.part").touch()
    assert values("import", "clips", "kept", "a", "--without", "unknown", *SMALL)["counts"] == {"owl": 1}
    sound(Path("night.wav"), 9.0)
    Path("night.txt").write_text("1\t2\towl\n5.2\t5.4\twren\n")
    assert values("import", "audacity", "night.txt", "b", *SMALL)["counts"] == {"owl": 1, "wren": 1}
    Path("table.txt").write_text("Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\tHeard\n1\t0\t3\tbird\towl\n")
    tables = ("table.txt", "--audio", "night.wav", "--label-column", "Heard")
    assert values("import", "raven", tables[0], "c", *tables[1:], *SMALL)["counts"] == {"owl": 3}
    assert values("import", "folders", sounds, "d", *SMALL)["counts"] == {"frog": 10, "rain": 6}
    for fold in (1, 2):
        sound(Path(f"esc/rain/{fold}-77-A.wav"), 1.0)
    found = values("import", "esc50", "esc", "e", "--each-fold", *SMALL)["datasets"]
    assert [Path(one["dataset"]).name for one in found] == ["e-fold-1", "e-fold-2"]
    assert values("import", "esc50", "esc", "f", "--fold", "2", *SMALL)["samples"] == 1
    with pytest.raises(DatasetError, match=r"no fold 3\. There are: 1, 2"):
        run("import", "esc50", "esc", "g", "--fold", "3", *SMALL)


def test_a_killed_run_leaves_the_old_and_goes_on(sounds: Path) -> None:
    """The real program, killed with -9 while it works on both cores; none of its processes outlives it."""
    for number in range(30):
        sound(sounds / "rain" / f"more{number}.wav", 10.0)
    run("create", "pond", sounds / "frog", "--classe", "frog", *SMALL)
    argv = [sys.executable, "-m", "database_tool", "create", "pond", str(sounds), "--replace", "--processes", "2"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    program = subprocess.Popen([*argv, "--strict"], env=environment, start_new_session=True)
    while not Path(".pond-writing/origins.csv").exists():
        assert program.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    program.kill()
    program.wait()
    assert len(open_dataset(Path("pond"))) == 10
    done = subprocess.run([*argv, "--resume", "--json"], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["counts"] == {"frog": 10, "rain": 306}
    assert not Path(".pond-writing").exists() and _session_is_empty(program.pid)


@pytest.mark.parametrize(
    "words",
    [
        ("create", "pond", "sounds", "--replace", *SMALL),
        ("balance", "pond"),
        ("randomize", "pond"),
        ("split", "pond", "--share", "0.5"),
        ("split", "pond", "--folds", "2"),
        ("--dataset", "pond", "--audio-folder", "sounds", "--processes", "1"),
        ("--dataset", "pond", "--balance"),
        ("--dataset", "pond", "--randomize"),
        ("--dataset", "pond", "--split", "0.5"),
    ],
)
def test_resume_goes_on_with_the_same_alone(sounds: Path, words: tuple[str, ...]) -> None:
    write_dataset(Path("pond"), [0] * 8 + [1] * 8, spec=FeatureSpec())
    for name in ("pond", "pond-test", "pond-fold-1"):
        Path(f".{name}-writing").mkdir()
        Path(f".{name}-writing/progress.jsonl").write_text('"another"\n')
    with pytest.raises(DatasetError, match="did something else"):
        run(*words, "--resume")
    run(*words)  # anew


def _session_is_empty(session: int) -> bool:
    for _ in range(100):
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    os.killpg(session, signal.SIGKILL)
    return False


def test_a_failure_is_one_line(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "database_tool", "info", str(tmp_path / "nowhere")]
    done = subprocess.run(argv, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("database_tool: ") and done.stderr.count("\n") == 1


def test_what_create_leaves_out_is_said_and_ends_nothing(sounds: Path) -> None:
    (sounds / "frog" / "notes.txt").touch()
    (sounds / "frog" / ".DS_Store").touch()
    (sounds / "__MACOSX" / "frog").mkdir(parents=True)
    (sounds / "owl").mkdir()
    (sounds / "rain" / "broken.aac").write_text("not sound")
    done = run("create", "pond", sounds, *SMALL)
    assert "left out (not audio): frog/notes.txt" in done.stderr
    assert "class owl has no audio file: it is left out" in done.stderr
    assert "broken.aac" in done.stderr and "1 file left out" in done.stdout
    assert "DS_Store" not in done.stderr and "MACOSX" not in done.stderr
    assert open_dataset(Path("pond")).classes == ("frog", "rain")


def test_every_way_in_gives_a_label_its_one_spelling(sounds: Path) -> None:
    composed, apart = "m\u00e9sange", "me\u0301sange"
    (sounds / "frog").rename(sounds / apart)
    run("create", "pond", sounds, *SMALL)
    run("create", "pond", sounds / "rain", "--classe", f" {composed}", "--add", *SMALL)
    run("create", "creek", sounds / "rain", "--classe", apart, *SMALL)
    run("merge", "pond", "creek", "--class", f"{apart}\u00a0")
    (sounds.parent / "tree.yaml").write_text(f"oiseaux:\n{composed}: oiseaux\nrain:\n")
    run("create", "tree", sounds, "--labels", "tree.yaml", *SMALL)
    assert open_dataset(Path("pond")).classes == (composed, "rain")
    assert open_dataset(Path("tree")).manifest.labels.parents[composed] == "oiseaux"
    with pytest.raises(DatasetError, match="has a class"):
        run("add-class", "pond", apart)


@pytest.mark.parametrize("name", ["no", "12", "yes", "null", "~", "2024-01-01", "1e3", "1.5", "0x1f", "on", "12:30"])
def test_a_label_that_yaml_reads_as_something_else_is_to_be_quoted(tmp_path: Path, name: str) -> None:
    tree = tmp_path / "tree.yaml"
    tree.write_text(f"birds:\nwren: birds\n{name}: birds\n")
    with pytest.raises(DatasetError, match=rf"tree.yaml:3: YAML reads .*; if it is a name, quote it: '{name}'"):
        tree_of(tree)
    tree.write_text(f"birds:\n'{name}': birds\n")
    found = tree_of(tree)
    assert found is not None and found.parents == {"birds": None, name: "birds"}


def test_a_parent_that_yaml_reads_as_something_else_is_to_be_quoted(tmp_path: Path) -> None:
    (tmp_path / "tree.yaml").write_text("birds:\nwren: no\n")
    with pytest.raises(DatasetError, match=r"tree.yaml:2: YAML reads no as true or false"):
        tree_of(tmp_path / "tree.yaml")


@pytest.mark.parametrize("twice", ["wren: birds\nwren: rain", "'é':\n'e\u0301':"])
def test_a_label_given_twice_is_an_error_with_both_lines(tmp_path: Path, twice: str) -> None:
    (tmp_path / "tree.yaml").write_text(f"birds:\n{twice}\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="is set twice: on line 2 and on line 3"):
        tree_of(tmp_path / "tree.yaml")


def test_a_label_tree_in_utf_16_is_read(tmp_path: Path) -> None:
    (tmp_path / "tree.yaml").write_bytes("birds:\nmésange: birds\n".encode("utf-16"))
    found = tree_of(tmp_path / "tree.yaml")
    assert found is not None and list(found) == ["birds", "mésange"]


@pytest.mark.parametrize("text", ["- a\n", "", "a: [b]\n", "a: {b: }\n", "a: b\n", "[" * 5000, "a: &x [*x]\n", "\x00"])
def test_what_is_no_label_tree_is_told_in_a_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "tree.yaml").write_text(text)
    with pytest.raises(DatasetError, match=r"tree\.yaml"):
        tree_of(tmp_path / "tree.yaml")


def test_create_does_not_report_success_for_a_file_it_read_in_part(tmp_path: Path) -> None:
    sound(tmp_path / "clips" / "wren" / "a.wav")
    path = sound(tmp_path / "clips" / "rain" / "b.wav", 4.0)
    path.write_bytes(path.read_bytes()[: 44 + 2 * 8000 * 2])
    done = run("create", tmp_path / "pond", tmp_path / "clips", *SMALL, code=1)
    assert "4 samples of 2 classes; 1 file read in part" in done.output
    assert len(open_dataset(tmp_path / "pond")) == 4
    assert run("create", tmp_path / "lake", tmp_path / "clips", *SMALL, "--json", code=1).stdout.count(str(path)) == 1


@pytest.mark.parametrize(
    "text", ["a:\n---\nb:\n", "a:\n\tb: c\n", "%YAML 9.9\n---\na:\n", "a: [\n", "[" * 5000, "a: 'b\n"]
)
def test_a_label_tree_that_is_no_yaml_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "tree.yaml").write_text(text)
    with pytest.raises(DatasetError) as caught:
        tree_of(tmp_path / "tree.yaml")
    assert str(caught.value).isprintable() and "tree.yaml" in caught.value.message


def test_a_label_that_is_given_twice_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "tree.yaml").write_text("a:\na:\n")
    with pytest.raises(DatasetError) as caught:
        tree_of(tmp_path / "tree.yaml")
    assert str(caught.value).endswith("tree.yaml:2: a is set twice: on line 1 and on line 2. Keep one.")
