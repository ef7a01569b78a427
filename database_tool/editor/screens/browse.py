"""The first screen: classes, one page of their samples, and the sample under the cursor."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Footer, Static

from database_tool.editor.dialogs import ChoiceDialog
from database_tool.editor.edits import Delete, DeleteClass, MergeClasses, MoveClass, NewClass, Relabel, RenameClass
from database_tool.editor.formatting import path_of
from database_tool.editor.playback import SamplePlayer
from database_tool.editor.screens.base import EditorScreen
from database_tool.editor.session import EditorSession
from database_tool.editor.widgets import ALL, ClassTable, SampleTable, SampleView, Title
from tidzam.labels import clean_label
from tidzam.text import plural

PAGE = 100
"""Samples per page of the table."""

ROOT = "(no parent)"

HELP = """\
Tab switches between classes and samples; arrows, Home and End move the cursor.

Samples                              Classes
  p      play, or stop                 p  play all samples
  space  mark; a  mark the page        n  new; with a parent: birds < wren
  r m    move to another class         r  rename
  d      delete                        m  merge into another class
  [ ]    previous, next page           o  move under another class
                                       d  delete, with its samples
Everywhere
  u y    undo, redo                    /  search files, recordings, times
  s S    save, save as                 f  find near-duplicates
  c      cut samples from a file       l  find likely label errors
  Esc    stop; clear marks; show all   q  quit; asks about unsaved edits

Marked samples are moved and deleted together; without marks, the sample under
the cursor is. Nothing on disk changes before you save. Saving writes a new
dataset, which replaces the old one when it is complete.
"""


class BrowseScreen(EditorScreen):
    """Browse samples by class, relabel and delete them, and edit classes."""

    CSS = """
    #classes { width: 34; border-right: solid $primary; }
    #samples { height: 1fr; min-height: 6; }
    #page { height: 1; color: $text-muted; }
    """
    HELP = HELP
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("S", "save_as", "Save as", show=False),
        Binding("slash", "find", "Find", key_display="/"),
        Binding("f", "app.duplicates", "Duplicates"),
        Binding("l", "app.label_issues", "Label errors"),
        Binding("c", "app.cut", "Cut"),
        Binding("q", "app.leave", "Quit"),
    ]

    def __init__(self, session: EditorSession, player: SamplePlayer) -> None:
        super().__init__(session, player)
        self.label, self.page, self.find = ALL, 0, ""
        self.marked: set[int] = set()
        self.samples: NDArray[np.int64] = np.empty(0, np.int64)

    def compose(self) -> ComposeResult:
        yield Title()
        with Horizontal():
            yield ClassTable(id="classes")
            with Vertical():
                yield SampleTable(id="samples")
                yield Static(id="page", markup=False)
                yield SampleView()
        yield Footer(compact=True)

    def fill(self) -> None:
        content = self.session.content
        if self.label not in content.classes:
            self.label = ALL
        with self.prevent(DataTable.RowHighlighted):
            self.query_one(ClassTable).fill(content, self.label)
        self._show_samples()

    def _show_samples(self) -> None:
        """Show the current page of the samples of the class that match the search."""
        content = self.session.content
        samples = content.members(self.label) if self.label else np.flatnonzero(content.labels >= 0)
        if self.find:
            samples = samples[self.session.matching(self.find)[samples]]
        self.samples = samples
        self.marked &= set(samples.tolist()) if self.marked else set()
        last = max(0, (len(samples) - 1) // PAGE)
        self.page = min(max(0, self.page), last)
        table = self.query_one(SampleTable)
        with self.prevent(DataTable.RowHighlighted):
            table.fill(self.session, samples[self.page * PAGE : (self.page + 1) * PAGE].tolist(), self.marked)
        parts = [
            f"{self.label or 'all'}: {plural(len(samples), 'sample')}",
            f"page {self.page + 1:,} of {last + 1:,}",
            f"{len(self.marked):,} marked" if self.marked else "",
            f"matching “{self.find}”" if self.find else "",
        ]
        self.query_one("#page", Static).update("  ·  ".join(part for part in parts if part))
        self._show_sample()
        self.show_title()

    def _show_sample(self) -> None:
        self.show_sample(self.query_one(SampleView), self.query_one(SampleTable).sample)

    @on(DataTable.RowHighlighted, "#classes")
    def _class_chosen(self) -> None:
        label = self.query_one(ClassTable).label
        if label != self.label:
            self.label, self.page = label, 0
            self.marked.clear()
            self._show_samples()

    @on(DataTable.RowHighlighted, "#samples")
    def _sample_chosen(self) -> None:
        self._show_sample()

    @on(DataTable.RowSelected, "#classes")
    def _to_samples(self) -> None:
        self.query_one(SampleTable).focus()

    def action_page(self, by: int) -> None:
        self.page += by
        self.query_one(SampleTable).move_cursor(row=0)
        self._show_samples()

    def action_leave(self) -> None:
        """Stop playback, else clear the marks, else the search."""
        if self.stop_playback():
            return
        if self.marked:
            self.marked.clear()
        else:
            self.find = ""
        self._show_samples()

    @work
    async def action_find(self) -> None:
        found = await self.ask("Search files, recordings and times for", self.find)
        if found is None:
            return
        found_any = await self.wait_for("Searching", lambda advance: self.session.matching(found, advance=advance))
        if found_any is not None:
            self.find, self.page = found, 0
            self._show_samples()

    # Samples

    @property
    def chosen(self) -> tuple[int, ...]:
        """The marked samples, or the one under the cursor."""
        sample = self.query_one(SampleTable).sample
        return tuple(sorted(self.marked)) or (() if sample is None else (sample,))

    def action_mark(self) -> None:
        table = self.query_one(SampleTable)
        if table.sample is not None:
            self.marked ^= {table.sample}
            row = table.cursor_row
            self._show_samples()
            table.move_cursor(row=min(row + 1, table.row_count - 1))

    def action_mark_page(self) -> None:
        self.marked |= set(self.samples[self.page * PAGE : (self.page + 1) * PAGE].tolist())
        self._show_samples()

    @work
    async def action_relabel(self) -> None:
        if chosen := self.chosen:
            question = f"Move {len(chosen):,} samples to" if len(chosen) > 1 else f"Class of sample {chosen[0]:,}"
            if await self.move_to(question, lambda label: Relabel(chosen, label)):
                self._unmark()

    def action_delete(self) -> None:
        if self.chosen and self.apply(Delete(self.chosen)):
            self._unmark()

    def _unmark(self) -> None:
        self.marked.clear()
        self._show_samples()

    def action_play(self) -> None:
        sample = self.query_one(SampleTable).sample
        if sample is not None:
            self.play_samples([sample])

    # Classes

    def action_play_class(self) -> None:
        self.play_samples(self.samples.tolist())

    def on_playing(self, number: int) -> None:
        """Move the cursor to the sample that is playing."""
        place = int(np.searchsorted(self.samples, number))
        if place < len(self.samples) and self.samples[place] == number:
            if place // PAGE != self.page:
                self.page = place // PAGE
                self._show_samples()
            self.query_one(SampleTable).move_cursor(row=place % PAGE)

    @work
    async def action_new_class(self) -> None:
        name = await self.ask("Name of the new class, optionally with its parent: birds < wren")
        if name:
            parent, _, label = name.rpartition("<")
            new = NewClass(label, parent.strip() or None)
            if self.apply(new):
                self.label = new.label
                self.fill()

    @work
    async def action_rename_class(self) -> None:
        if old := self._one_class():
            new = await self.ask(f"Rename {old} to", old)
            if new and clean_label(new) != old and self.apply(RenameClass(old, new)):
                self.label = clean_label(new)
                self.fill()

    @work
    async def action_merge_class(self) -> None:
        if label := self._one_class():
            others = [name for name in self.session.content.classes if name != label]
            into = await self.app.push_screen_wait(ChoiceDialog(f"Merge {label} into", others))
            if into and self.apply(MergeClasses(label, into)):
                self.label = into
                self.fill()

    @work
    async def action_move_class(self) -> None:
        if label := self._one_class():
            others = [name for name in self.session.content.tree if name != label]
            parent = await self.app.push_screen_wait(ChoiceDialog(f"Move {label} under", [ROOT, *others]))
            if parent:
                self.apply(MoveClass(label, None if parent == ROOT else parent))

    @work
    async def action_delete_class(self) -> None:
        if label := self._one_class():
            count = len(self.session.content.members(label))
            if not count or await self.decide(f"Delete {label} with its {count:,} samples?", d="delete"):
                self.apply(DeleteClass(label))

    def _one_class(self) -> str:
        if not self.label:
            self.show_message("Select a class first.", error=True)
        return self.label

    @work
    async def action_save_as(self) -> None:
        folder = await self.ask("Save as (folder)", str(self.session.dataset.folder))
        if folder:
            await self.save(path_of(folder))
