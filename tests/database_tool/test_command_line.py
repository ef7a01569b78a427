"""`python -m database_tool`: usage errors, exit codes, messages and progress."""

import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.support.database_tool import noise, run
from tests.support.datasets import write as write_dataset
from tidzam import terminal
from tidzam.dataset import open_dataset

USAGE = [
    ((), "Give a command"),
    (("--dataset", "pond", "info", "creek"), "cannot be combined with a command"),
    (("split", "pond", "--share", "0.2", "--folds", "2"), "exactly one of --share and --folds"),
    (("split", "pond", "--folds", "2", "--by", "moon"), "--by is 'moon'"),
    (("create", "lake", ".", "--classe", "x", "--channels", "all"), "--channels is 'all', expected mix or each"),
    (("--dataset", "pond", "--balance", "--split-name", "x"), "--split-name requires --split"),
    (("--dataset", "pond", "--balance", "--randomize", "--resume"), "--resume takes one step"),
    (("import", "ravn", "a", "b"), "Did you mean 'raven'?"),
]


@pytest.mark.parametrize(("words", "message"), USAGE)
def test_wrong_usage_is_explained(here: Path, words: tuple[str, ...], message: str) -> None:
    noise(here / "a.wav")
    assert message in " ".join(run(*words, code=2).stderr.replace("│", "").split())


def test_wrong_usage_changes_nothing(here: Path) -> None:
    pond = write_dataset(here / "pond", [0, 0, 1]).folder
    run("--dataset", pond, "--balance", "--randomize", "--resume", code=2)
    assert len(open_dataset(pond)) == 3


def test_an_error_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "database_tool", "info", str(tmp_path / "nowhere")]
    done = subprocess.run(argv, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("database_tool: ")
    assert done.stderr.count("\n") == 1


def test_progress_is_shown_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = StringIO()
    monkeypatch.setattr(terminal, "stderr", Console(file=screen, force_terminal=True))
    run("verify", write_dataset(tmp_path / "pond", [0]).folder)
    assert "verifying" in screen.getvalue()
    assert "3/3" in screen.getvalue()
