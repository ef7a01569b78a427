"""The reference of command lines: what it shows of a command."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from tidzam.cli.reference import document
from tidzam.terminal import command_line

app = command_line(help="Counts frogs.")


@app.command()
def count(
    pond: Annotated[str, typer.Argument(help="Where to count.")],
    color: Annotated[Literal["green", "brown"], typer.Option(help="Which frogs.")] = "green",
    least: Annotated[int, typer.Option(min=1, help="Frogs at least.")] = 3,
    loud: Annotated[bool, typer.Option("--loud", help="Count aloud.")] = False,
) -> None:
    """Count the frogs of a pond."""


@app.command()
def rest() -> None:
    """Do nothing."""


TEXT = document({"python -m frogs": app})


def test_every_command_has_a_section_with_its_help() -> None:
    assert "## `python -m frogs`\n\nCounts frogs.\n" in TEXT
    assert "### `python -m frogs count`\n\nCount the frogs of a pond.\n" in TEXT


def test_an_option_has_its_default_and_its_range() -> None:
    assert "Frogs at least. | 3; x>=1 |" in TEXT


def test_a_required_argument_is_called_required() -> None:
    assert "Where to count. | required |" in TEXT


def test_a_flag_has_no_default() -> None:
    assert "| `--loud` | Count aloud. |  |" in TEXT


def test_the_choices_of_an_option_do_not_break_the_table() -> None:
    (row,) = [line for line in TEXT.splitlines() if "--color" in line]
    assert "green \\| brown" in row


def test_a_command_without_options_has_no_table() -> None:
    assert TEXT.endswith("### `python -m frogs rest`\n\nDo nothing.\n")
