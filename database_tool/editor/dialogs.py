"""Dialogs: questions, and progress of long work."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, ProgressBar, Static
from textual.widgets.option_list import Option

from tidzam.errors import DatasetError, TidzamError
from tidzam.progress import Progress

Result = TypeVar("Result")

REFRESH_S = 0.1

_BOX = """
{name} {{ align: center middle; }}
{name} > Vertical, {name} > VerticalScroll {{
    width: 80%; max-width: {width}; height: auto; max-height: 90%;
    border: round $primary; background: $surface; padding: 0 1;
}}
"""


class InputDialog(ModalScreen[str | None]):
    """Ask for a line of text; None if the dialog is cancelled."""

    DEFAULT_CSS = _BOX.format(name="InputDialog", width=70)
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]

    def __init__(self, question: str, value: str = "") -> None:
        super().__init__()
        self._question, self._value = question, value

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._question, markup=False)
            yield Input(self._value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())


class ChoiceDialog(ModalScreen[str | None]):
    """Ask for one of several names, which typing filters; with `new`, a new name may be entered."""

    DEFAULT_CSS = (
        _BOX.format(name="ChoiceDialog", width=60) + "ChoiceDialog OptionList { height: auto; max-height: 16; }"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Cancel"),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
    ]

    def __init__(self, question: str, names: Sequence[str], *, new: bool = False) -> None:
        super().__init__()
        self._question, self._names, self._new = question, names, new

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._question, markup=False)
            yield Input(placeholder="part of the name" + (", or a new name" if self._new else ""))
            yield OptionList()

    def on_mount(self) -> None:
        self._offer("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._offer(event.value.strip())

    def _offer(self, typed: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        part = typed.lower()
        fitting = sorted(
            (name for name in self._names if part in name.lower()), key=lambda n: not n.lower().startswith(part)
        )
        options.add_options(Option(Text(name), id=name) for name in fitting)
        if self._new and typed and typed not in self._names:
            options.add_option(Option(Text.assemble(("new class ", "dim"), typed), id=typed))
        options.highlighted = 0 if options.option_count else None

    def action_move(self, by: int) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            options.highlighted = (options.highlighted + by) % options.option_count

    @on(Input.Submitted)
    def _submitted(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self.dismiss(options.get_option_at_index(options.highlighted).id)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


class DecisionDialog(ModalScreen[str | None]):
    """Ask for one of a few answers, each with its key; None if the dialog is cancelled."""

    DEFAULT_CSS = _BOX.format(name="DecisionDialog", width=70)
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Cancel")]

    def __init__(self, question: str, answers: dict[str, str]) -> None:
        super().__init__()
        self._question, self._answers = question, answers

    def compose(self) -> ComposeResult:
        with Vertical():
            keys = [
                (f" {key} ", "reverse") if odd == 0 else f" {words}   " for key, words in self._all() for odd in (0, 1)
            ]
            yield Static(Text.assemble(self._question, "\n\n", *keys))

    def _all(self) -> list[tuple[str, str]]:
        return [*self._answers.items(), ("esc", "cancel")]

    def on_key(self, event: Key) -> None:
        if event.key in self._answers:
            event.stop()  # so that the screen below does not handle it
            self.dismiss(event.key)


class HelpDialog(ModalScreen[None]):
    """Show the keys of a screen."""

    DEFAULT_CSS = _BOX.format(name="HelpDialog", width=84) + "HelpDialog > VerticalScroll { width: 100%; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q", "dismiss", "Close")]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(self._text, markup=False)


class Cancelled(Exception):
    """Raised in the work when the person cancels it."""


class WorkDialog(ModalScreen[Result | TidzamError | None], Generic[Result]):
    """Run `work` in a thread and show its progress. Returns its result, its TidzamError, or None if cancelled."""

    DEFAULT_CSS = _BOX.format(name="WorkDialog", width=60) + "WorkDialog ProgressBar { width: 100%; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, activity: str, work: Callable[[Progress], Result]) -> None:
        super().__init__()
        self._activity, self._work = activity, work
        self._cancelled = False
        self._shown_s = 0.0

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(f"{self._activity} …  (Esc cancels)", markup=False)
            yield ProgressBar()

    def on_mount(self) -> None:
        self.run_worker(self._run, thread=True)

    def action_cancel(self) -> None:
        self._cancelled = True

    def _run(self) -> None:
        result: Result | TidzamError | None
        try:
            result = self._work(self._advance)
        except TidzamError as error:
            result = error
        except OSError as error:  # such as a full temporary folder: edits must not be lost
            result = DatasetError(
                f"{self._activity}: {error.strerror}.", hint="Make room and try again.", code="dataset_edit"
            )
        except Cancelled:
            result = None
        self.app.call_from_thread(self.dismiss, result)

    def _advance(self, done: int, total: int) -> None:
        if self._cancelled:
            raise Cancelled
        if time.monotonic() - self._shown_s > REFRESH_S:
            self._shown_s = time.monotonic()
            bar = self.query_one(ProgressBar)
            self.app.call_from_thread(bar.update, total=total, progress=done)
