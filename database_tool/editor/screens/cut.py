"""Cutting samples out of a stream: a stretch of it is drawn, a part of that is marked, named and added."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Static

from database_tool.editor.audio_source import AudioSourceFile, filled
from database_tool.editor.edits import Add
from database_tool.editor.formatting import clock
from database_tool.editor.playback import SamplePlayer
from database_tool.editor.screens.base import EditorScreen
from database_tool.editor.session import EditorSession
from database_tool.editor.widgets import SpectrogramView, Title
from tidzam.errors import TidzamError
from tidzam.text import shown

PAGE_S = 10.0
LONGEST_S = 600.0
"""What is cut at once: it is held in memory until it is saved."""

HELP = """\
A page of the file is drawn; below it are the cursor (^), the window at the
cursor (-) and what is marked (=).

  left right  a tenth of a window      [      mark the start, here
  up down     a window                 ]      mark the end, here
  PgUp PgDn   a page                   Enter  add the marked part to a class
  Home End    start, end of the file          (without a mark: this window)
  + -         zoom                     p      play it, or fall silent
  c           the next channel         Esc    fall silent; unmark; back
                                       u y s  undo, redo, save

A part longer than a window becomes windows side by side; a shorter one, the
window around its middle. Features are those of the dataset.
"""


@dataclass(frozen=True)
class Viewport:
    """Where the cursor is in a stream, what is marked, and the page that is drawn; all in s from its beginning."""

    length_s: float
    window_s: float
    at_s: float = 0.0
    page_s: float = PAGE_S
    page_at_s: float = 0.0
    start_s: float | None = None
    end_s: float | None = None

    def go(self, to_s: float) -> Viewport:
        """The cursor at `to_s`, within the stream, and the page that it is on."""
        at_s = round(min(max(0.0, to_s), max(0.0, self.length_s - self.window_s)), 6)
        page_at_s = self.page_at_s
        if not page_at_s <= at_s <= page_at_s + self.page_s - min(self.window_s, self.page_s / 2):
            page_at_s = max(0.0, at_s - (0 if at_s > page_at_s else self.page_s - 2 * self.window_s))
        return replace(self, at_s=at_s, page_at_s=page_at_s)

    def zoom(self, factor: float) -> Viewport:
        """A page longer by `factor`, around the cursor."""
        page_s = min(max(2 * self.window_s, self.page_s * factor), 120.0)
        return replace(self, page_s=page_s, page_at_s=max(0.0, self.at_s - page_s / 4))

    @property
    def marked(self) -> tuple[float, float] | None:
        """What is marked, as start and end; a mark alone reaches to the cursor."""
        if self.start_s is None and self.end_s is None:
            return None
        start_s = self.at_s if self.start_s is None else self.start_s
        end_s = self.at_s if self.end_s is None else self.end_s
        return (start_s, end_s) if start_s < end_s else None

    @property
    def chosen(self) -> tuple[float, float]:
        """What is marked, or the window at the cursor."""
        return self.marked or (self.at_s, min(self.at_s + self.window_s, self.length_s))

    def ruler(self, width: int) -> str:
        """A line under the page: `^` the cursor, `-` its window, `=` what is marked."""

        def column(time_s: float) -> int:
            return min(max(0, round((time_s - self.page_at_s) / self.page_s * width)), width)

        line = [" "] * width
        stretches = [((self.at_s, self.at_s + self.window_s), "-"), *([(self.marked, "=")] if self.marked else [])]
        for (start_s, end_s), sign in stretches:
            for place in range(column(start_s), column(end_s)):
                line[place] = sign
        if width:
            line[min(column(self.at_s), width - 1)] = "^"
        return "".join(line)

    def times(self, width: int) -> str:
        """The time at five places of the page."""
        line = ""
        for part in range(5):
            line = f"{line:<{width * part // 5}}{clock(self.page_at_s + self.page_s * part / 5)}"
        return line[:width]


class CutScreen(EditorScreen):
    CSS = """
    CutScreen #place { height: 2; color: $text-muted; padding: 0 1; }
    CutScreen #ruler { height: 2; }
    """
    HELP = HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-0.1)", show=False),
        Binding("right", "step(0.1)", show=False),
        Binding("up", "step(-1)", show=False),
        Binding("down", "step(1)", show=False),
        Binding("pageup", "turn(-1)", "Page back", show=False),
        Binding("pagedown", "turn(1)", "Page on", key_display="PgDn"),
        Binding("home", "go(0)", show=False),
        Binding("end", "go(1)", show=False),
        Binding("left_square_bracket", "start", "Start", key_display="["),
        Binding("right_square_bracket", "end", "End", key_display="]"),
        Binding("enter", "add", "Add"),
        Binding("p", "play", "Play"),
        Binding("c", "channel", "Channel"),
        Binding("plus,equals_sign", "zoom(0.5)", "Zoom in", show=False),
        Binding("minus", "zoom(2)", "Zoom out", show=False),
        Binding("escape", "leave", "Back"),
    ]

    def __init__(self, session: EditorSession, player: SamplePlayer, stream: AudioSourceFile) -> None:
        super().__init__(session, player)
        self.stream = stream
        self.channel: int | None = None if stream.channels > 1 else 0
        self.view = Viewport(stream.length_s, session.dataset.spec.window_s)
        self._drawn: tuple[float, float, int | None] | None = None

    def compose(self) -> ComposeResult:
        yield Title()
        yield Static(id="place", markup=False)
        yield SpectrogramView()
        yield Static(id="ruler", markup=False)
        yield Footer(compact=True)

    def on_resize(self) -> None:
        self.fill()

    def fill(self) -> None:
        view = self.view
        channel = "all channels as one" if self.channel is None else f"channel {self.channel} of {self.stream.channels}"
        marked = view.marked
        words = f"marked {clock(marked[0])} to {clock(marked[1])}" if marked else "nothing marked"
        place = f"{shown(self.stream.path.name)} · {clock(self.stream.length_s)} · {channel}"
        self.query_one("#place", Static).update(Text(f"{place}\nat {clock(view.at_s)} · {words}"))
        width = self.query_one(SpectrogramView).size.width
        self.query_one("#ruler", Static).update(Text(f"{view.ruler(width)}\n{view.times(width)}", no_wrap=True))
        self.show_title()
        if self._drawn != (drawn := (view.page_at_s, view.page_s, self.channel)):
            self._drawn = drawn
            self._draw()

    @work(exclusive=True, group="draw")
    async def _draw(self) -> None:
        view, spec = self.view, self.session.dataset.spec
        try:
            strip = await asyncio.to_thread(self.stream.strip, view.page_at_s, view.page_s, self.channel, spec)
        except TidzamError as error:
            self.tell(error, wrong=True)
            return
        self.query_one(SpectrogramView).show(filled(strip, round(view.page_s * spec.rate_hz / spec.hop_length), spec))

    def action_step(self, windows: float) -> None:
        self._go(self.view.at_s + windows * self.view.window_s)

    def action_turn(self, pages: int) -> None:
        self._go(self.view.at_s + pages * self.view.page_s)

    def action_go(self, part: float) -> None:
        self._go(part * self.view.length_s)

    def _go(self, to_s: float) -> None:
        self.view = self.view.go(to_s)
        self.fill()

    def action_zoom(self, factor: float) -> None:
        self.view = self.view.zoom(factor)
        self.fill()

    def action_start(self) -> None:
        self.view = replace(self.view, start_s=self.view.at_s)
        self.fill()

    def action_end(self) -> None:
        self.view = replace(self.view, end_s=self.view.at_s)
        self.fill()

    def action_channel(self) -> None:
        """All as one, then one after the other."""
        if self.stream.channels > 1:
            following = 0 if self.channel is None else self.channel + 1
            self.channel = following if following < self.stream.channels else None
            self.fill()

    def action_play(self) -> None:
        start_s, end_s = self.view.chosen
        self.play_sounds([(None, lambda: self.stream.sound(start_s, end_s - start_s, self.channel))])

    @work
    async def action_add(self) -> None:
        start_s, end_s = self.view.chosen
        if end_s - start_s > LONGEST_S:
            self.tell(f"At most {LONGEST_S / 60:.0f} minutes are cut at once: mark less.", wrong=True)
            return
        spec, channel = self.session.dataset.spec, None if self.stream.channels == 1 else self.channel
        try:
            samples = await asyncio.to_thread(self.stream.cut, start_s, end_s, channel, spec)
        except TidzamError as error:
            self.tell(error, wrong=True)
            return
        words = (
            f"{len(samples):,} sample{'s' if len(samples) > 1 else ''} from {clock(start_s)} to {clock(end_s)}: class"
        )
        if await self.move_to(words, lambda label: Add(samples, label)):
            self.view = replace(self.view, start_s=None, end_s=None)
            self.fill()

    def action_leave(self) -> None:
        """Fall silent, else unmark, else go back."""
        if self.hush():
            return
        if self.view.start_s is None and self.view.end_s is None:
            self.dismiss()
            return
        self.view = replace(self.view, start_s=None, end_s=None)
        self.fill()
