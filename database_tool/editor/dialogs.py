"""Questions to the person, and the work that they wait for."""

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


class Ask(ModalScreen[str | None]):
    """A line of text; None if the person thinks better of it."""

    DEFAULT_CSS = _BOX.format(name="Ask", width=70)
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


class Choose(ModalScreen[str | None]):
    """One of some names, found by typing a part of it; a new one too, if that may be."""

    DEFAULT_CSS = _BOX.format(name="Choose", width=60) + "Choose OptionList { height: auto; max-height: 16; }"
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
            yield Input(placeholder="type a part of its name" + (", or a new one" if self._new else ""))
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


class Decide(ModalScreen[str | None]):
    """One of a few answers, each by its key; None is Escape."""

    DEFAULT_CSS = _BOX.format(name="Decide", width=70)
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
            event.stop()  # or the screen below would take it for one of its own
            self.dismiss(event.key)


class Help(ModalScreen[None]):
    """All keys."""

    DEFAULT_CSS = _BOX.format(name="Help", width=84) + "Help > VerticalScroll { width: 100%; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q", "dismiss", "Close")]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(self._text, markup=False)


class GivenUp(Exception):
    """The person does not want to wait for it any longer."""


class Working(ModalScreen[Result | TidzamError | None], Generic[Result]):
    """Does `work` in a thread, and shows how far it is. Gives its result, the error, or None: it was given up."""

    DEFAULT_CSS = _BOX.format(name="Working", width=60) + "Working ProgressBar { width: 100%; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Give up")]

    def __init__(self, doing: str, work: Callable[[Progress], Result]) -> None:
        super().__init__()
        self._doing, self._work = doing, work
        self._given_up = False
        self._shown_s = 0.0

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(f"{self._doing} …  (Escape gives up)", markup=False)
            yield ProgressBar()

    def on_mount(self) -> None:
        self.run_worker(self._run, thread=True)

    def action_give_up(self) -> None:
        self._given_up = True

    def _run(self) -> None:
        result: Result | TidzamError | None
        try:
            result = self._work(self._advance)
        except TidzamError as error:
            result = error
        except OSError as error:  # as of a full temporary folder: the edits are to outlive it
            result = DatasetError(f"{self._doing}: {error.strerror}.", hint="Make room.", code="dataset_edit")
        except GivenUp:
            result = None
        self.app.call_from_thread(self.dismiss, result)

    def _advance(self, done: int, total: int) -> None:
        if self._given_up:
            raise GivenUp
        if time.monotonic() - self._shown_s > REFRESH_S:
            self._shown_s = time.monotonic()
            bar = self.query_one(ProgressBar)
            self.app.call_from_thread(bar.update, total=total, progress=done)
