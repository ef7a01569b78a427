"""The reference of command lines as Markdown, which docs/cli.md holds: every command with its options and defaults."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import typer

INTRODUCTION = """# Command lines

In a checkout, `bin/tidzam` sets up what is missing and runs the command `tidzam`; an installed package has `tidzam`
itself. The programs that it starts are Python modules with a command line each. `--help` shows the same as this page.
"""
TABLE = "| argument or option | meaning | default and range |\n| --- | --- | --- |"
_DEEPEST_HEADING = 4
_CHOICES = re.compile(r"[<\[]([^<>\[\]]*\|[^<>\[\]]*)[>\]]")
_BRACKETS = re.compile(r"\s*\[([^\[\]]*)\]\s*$")


def document(programs: Mapping[str, typer.Typer]) -> str:
    """The text of docs/cli.md. `programs` maps what is typed, such as `python -m analyzer`, to its command line."""
    sections = [
        section
        for name, app in programs.items()
        for section in _sections(typer.Context(typer.main.get_command(app), info_name=name), level=2)
    ]
    return "\n".join([INTRODUCTION, *sections])


def _sections(context: typer.Context, *, level: int) -> Iterator[str]:
    """A section for a command, then one for each of its subcommands."""
    command: Any = context.command  # of Click, or of Typer's copy of it: that depends on Typer's version
    rows = [row for one in command.get_params(context) if one.name != "help" and (row := _row(one, context))]
    title = f"{'#' * level} `{context.command_path}`\n"
    text = inspect.cleandoc(command.help or "")
    yield "\n".join([title, *([text, ""] if text else []), *([TABLE, *rows, ""] if rows else [])])
    for name, subcommand in getattr(command, "commands", {}).items():
        child = typer.Context(subcommand, info_name=name, parent=context)
        yield from _sections(child, level=min(level + 1, _DEEPEST_HEADING))


def _row(parameter: Any, context: typer.Context) -> str:
    """A line of the table; empty for a hidden parameter. A help text ends with its default and range in brackets."""
    record: tuple[str, str] | None = parameter.get_help_record(context)
    if record is None:
        return ""
    placeholder, meaning = record
    facts: list[str] = []
    while found := _BRACKETS.search(meaning):
        facts.insert(0, re.sub(r"^\((.*?)\)(?=;|$)", r"\1", found[1].removeprefix("default: ")))
        meaning = meaning[: found.start()]
    choices = _CHOICES.search(placeholder)
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    cells = (f"{names} {' | '.join(choices[1].split('|')) if choices else ''}".strip(), meaning, "; ".join(facts))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
