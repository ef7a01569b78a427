"""What `tidzam bench` makes of a benchmark's own options."""

from __future__ import annotations

import pytest
import typer

from tidzam.cli.bench import parse_options

KNOWN = ("train", "test_folder")


def test_options_by_name_in_either_form() -> None:
    assert parse_options(["--train", "a b", "--test-folder=c=d"], known=KNOWN) == {"train": "a b", "test_folder": "c=d"}
    assert parse_options([], known=()) == {}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--trian", "a"], "Did you mean --train?"),
        (["--xyz", "a"], "Did you mean --train or --test-folder?"),
        (["stray"], "no option 'stray'"),
        (["--train"], "--train needs a value"),
    ],
)
def test_wrong_options_are_named(words: list[str], says: str) -> None:
    with pytest.raises(typer.BadParameter, match=says):
        parse_options(words, known=KNOWN)


def test_a_benchmark_without_options_takes_none() -> None:
    with pytest.raises(typer.BadParameter, match="takes none"):
        parse_options(["--train", "a"], known=())
