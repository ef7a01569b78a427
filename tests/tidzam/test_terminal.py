"""The common shell of the command lines."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tidzam import terminal
from tidzam.errors import DatasetError
from tidzam.terminal import command_line, exit_on_error, print_json, progress_bar, say


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """A terminal of 80 columns in place of stderr."""
    written = io.StringIO()
    monkeypatch.setattr(terminal, "stderr", Console(file=written, force_terminal=True, width=80, color_system=None))
    yield written


def test_an_error_is_one_line_on_stderr_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, exit_on_error("frogs"):
        raise DatasetError("The pond is empty.", hint="Wait for rain.")
    assert end.value.code == 1
    assert capsys.readouterr() == ("", "frogs: The pond is empty. Wait for rain.\n")


def test_other_exceptions_pass() -> None:
    with pytest.raises(ZeroDivisionError), exit_on_error("frogs"):
        raise ZeroDivisionError


def test_a_long_message_is_not_folded(capsys: pytest.CaptureFixture[str]) -> None:
    say("croak " * 50, program="frogs")
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("message", "line"),
    [("[bold]pond.wav", "[bold]pond.wav"), ("a\x1b[31mb", r"a\x1b[31mb"), ("bad \udcff name", r"bad \xff name")],
)
def test_a_file_name_cannot_drive_the_terminal(message: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(message)
    assert capsys.readouterr().err == f"{line}\n"


def test_json_is_ascii_and_means_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    values = {"file": "bad \udcff name", "class": "Höckergans"}
    print_json(values)
    written = capsys.readouterr().out
    assert written.isascii()
    assert json.loads(written) == values


def test_progress_is_drawn_on_a_terminal(screen: io.StringIO) -> None:
    with progress_bar("counting", unit="frogs") as bar:
        assert bar.visible
        bar(3, 4)
    assert "3/4" in screen.getvalue()
    assert "frogs" in screen.getvalue()


def test_progress_can_be_described_again(screen: io.StringIO) -> None:
    with progress_bar("counting") as bar:
        bar.describe("counting [all]")
    assert "counting [all]" in screen.getvalue()


def test_progress_is_silent_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("counting") as bar:
        bar(3, 4)
        assert not bar.visible
    assert capsys.readouterr() == ("", "")


def test_help_has_a_short_option() -> None:
    app = command_line()
    app.command(help="Count the frogs.")(lambda: None)
    assert "Count the frogs." in CliRunner().invoke(app, ["-h"]).stdout
