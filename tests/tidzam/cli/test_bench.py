"""How `tidzam bench` handles the options of a benchmark."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from tidzam.cli.__main__ import app
from tidzam.cli.bench import parse_options

KNOWN = ("train", "test_folder")


def test_options_by_name_in_either_form() -> None:
    assert parse_options(["--train", "a b", "--test-folder=c=d"], known=KNOWN) == {"train": "a b", "test_folder": "c=d"}
    assert parse_options([], known=()) == {}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--trian", "a"], "Did you mean --train?"),
        (["--xyz", "a"], "Did you mean --train or --test-folder?"),
        (["stray"], "no option 'stray'"),
        (["--train"], "--train needs a value"),
    ],
)
def test_wrong_options_are_named(words: list[str], expected: str) -> None:
    with pytest.raises(typer.BadParameter, match=expected):
        parse_options(words, known=KNOWN)


def test_a_benchmark_without_options_takes_none() -> None:
    with pytest.raises(typer.BadParameter, match="It has no options"):
        parse_options(["--train", "a"], known=())


def shown(*words: str) -> str:
    result = CliRunner().invoke(app, ["bench", *words], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_after_a_name_shows_that_benchmarks_options_and_defaults(word: str) -> None:
    output = shown("esc10", word)
    rows = {words[0]: words[-1] for words in (line.split() for line in output.splitlines()) if words[:1]}
    assert (rows["--folds"], rows["--seed"], rows["--train"]) == ("1,2,3,4", "0", "TRAIN")
    assert "With `train` and `test`" in output
    assert "Raises" not in output
    assert "It has no options." in shown("live-parity", word)


def test_help_without_a_name_is_the_commands() -> None:
    output = shown("-h")
    assert "Usage: tidzam bench" in output
    assert "--json" in output
    assert "--help" in output
