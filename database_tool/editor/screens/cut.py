"""Cutting samples from an audio file: mark a section of its spectrogram and add it to a class."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Static

from database_tool.editor.audio_source import AudioSourceFile, padded
from database_tool.editor.edits import Add
from database_tool.editor.formatting import clock
from database_tool.editor.playback import SamplePlayer
from database_tool.editor.screens.base import EditorScreen
from database_tool.editor.session import EditorSession
from database_tool.editor.widgets import SpectrogramView, Title
from tidzam.errors import TidzamError
from tidzam.text import plural, shown

PAGE_S = 10.0
MAX_CUT_S = 600.0
"""The longest section that is cut at once: its samples are in memory until they are saved."""

HELP = """\
One page of the file is displayed. The lines below it show the cursor (^),
the window at the cursor (-) and the marked section (=).

  left right  a tenth of a window      [      mark the start at the cursor
  up down     a window                 ]      mark the end at the cursor
  PgUp PgDn   a page                   Enter  add the marked section to a class
  Home End    start, end of the file          (or the window, if none is marked)
  + -         zoom                     p      play it, or stop
  c           next channel             Esc    stop; clear the marks; back
                                       u y s  undo, redo, save

A section longer than a window is cut into consecutive windows; around a
shorter one, a window is cut. Features are computed as in the dataset.
"""


@dataclass(frozen=True)
class Viewport:
    """The position of the cursor, the marks, and the page that is displayed, in s from the start of the file."""

    length_s: float
    window_s: float
    at_s: float = 0.0
    page_s: float = PAGE_S
    page_at_s: float = 0.0
    start_s: float | None = None
    end_s: float | None = None

    def go(self, to_s: float) -> Viewport:
        """Move the cursor to `to_s`, limited to the file, and the page with it."""
        at_s = round(min(max(0.0, to_s), max(0.0, self.length_s - self.window_s)), 6)
        page_at_s = self.page_at_s
        if not page_at_s <= at_s <= page_at_s + self.page_s - min(self.window_s, self.page_s / 2):
            page_at_s = max(0.0, at_s - (0 if at_s > page_at_s else self.page_s - 2 * self.window_s))
        return replace(self, at_s=at_s, page_at_s=page_at_s)

    def zoom(self, factor: float) -> Viewport:
        """Make the page longer by `factor`, around the cursor."""
        page_s = min(max(2 * self.window_s, self.page_s * factor), 120.0)
        return replace(self, page_s=page_s, page_at_s=max(0.0, self.at_s - page_s / 4))

    @property
    def marked(self) -> tuple[float, float] | None:
        """Start and end of the marked section; with one mark alone, it extends to the cursor."""
        if self.start_s is None and self.end_s is None:
            return None
        start_s = self.at_s if self.start_s is None else self.start_s
        end_s = self.at_s if self.end_s is None else self.end_s
        return (start_s, end_s) if start_s < end_s else None

    @property
    def selection(self) -> tuple[float, float]:
        """The marked section, or the window at the cursor."""
        return self.marked or (self.at_s, min(self.at_s + self.window_s, self.length_s))

    def ruler(self, width: int) -> str:
        """The line below the page: `^` is the cursor, `-` its window, `=` the marked section."""

        def column(time_s: float) -> int:
            return min(max(0, round((time_s - self.page_at_s) / self.page_s * width)), width)

        line = [" "] * width
        sections = [((self.at_s, self.at_s + self.window_s), "-"), *([(self.marked, "=")] if self.marked else [])]
        for (start_s, end_s), sign in sections:
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
    """The screen for cutting samples from an audio file."""

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
        Binding("pageup", "turn(-1)", "Previous page", show=False),
        Binding("pagedown", "turn(1)", "Next page", key_display="PgDn"),
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

    def __init__(self, session: EditorSession, player: SamplePlayer, source: AudioSourceFile) -> None:
        super().__init__(session, player)
        self.source = source
        self.channel: int | None = None if source.channels > 1 else 0
        self.view = Viewport(source.length_s, session.dataset.spec.window_s)
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
        channel = "all channels" if self.channel is None else f"channel {self.channel} of {self.source.channels}"
        marked = view.marked
        marks = f"marked {clock(marked[0])} to {clock(marked[1])}" if marked else "nothing marked"
        place = f"{shown(self.source.path.name)} · {clock(self.source.length_s)} · {channel}"
        self.query_one("#place", Static).update(Text(f"{place}\nat {clock(view.at_s)} · {marks}"))
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
            features = await asyncio.to_thread(self.source.features, view.page_at_s, view.page_s, self.channel, spec)
        except TidzamError as error:
            self.show_message(error, error=True)
            return
        frames = round(view.page_s * spec.rate_hz / spec.hop_length)
        self.query_one(SpectrogramView).show(padded(features, frames, spec))

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
        """Switch from the downmix to each channel in turn."""
        if self.source.channels > 1:
            following = 0 if self.channel is None else self.channel + 1
            self.channel = following if following < self.source.channels else None
            self.fill()

    def action_play(self) -> None:
        start_s, end_s = self.view.selection
        self.play_excerpts([(None, lambda: self.source.excerpt(start_s, end_s - start_s, self.channel))])

    @work
    async def action_add(self) -> None:
        start_s, end_s = self.view.selection
        if end_s - start_s > MAX_CUT_S:
            self.show_message(
                f"The marked section has {clock(end_s - start_s)}; at most {clock(MAX_CUT_S)} are cut at once.",
                error=True,
            )
            return
        spec, channel = self.session.dataset.spec, None if self.source.channels == 1 else self.channel
        try:
            samples = await asyncio.to_thread(self.source.cut, start_s, end_s, channel, spec)
        except TidzamError as error:
            self.show_message(error, error=True)
            return
        question = f"Class of {plural(len(samples), 'sample')} from {clock(start_s)} to {clock(end_s)}"
        if await self.move_to(question, lambda label: Add(samples, label)):
            self.view = replace(self.view, start_s=None, end_s=None)
            self.fill()

    def action_leave(self) -> None:
        """Stop playback, else clear the marks, else leave the screen."""
        if self.stop_playback():
            return
        if self.view.start_s is None and self.view.end_s is None:
            self.dismiss()
            return
        self.view = replace(self.view, start_s=None, end_s=None)
        self.fill()
