"""Reviewing what a search found: near-duplicates, and labels that a classifier contradicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import DataTable, Footer

from database_tool.editor.duplicates import DuplicatePair
from database_tool.editor.edits import Delete, NewClass, Relabel
from database_tool.editor.label_errors import LabelIssue
from database_tool.editor.playback import SamplePlayer
from database_tool.editor.screens.base import EditorScreen
from database_tool.editor.session import EditorSession
from database_tool.editor.widgets import SampleView, Title

Found = TypeVar("Found")


class ReviewScreen(EditorScreen, Generic[Found]):
    """A table of findings. One that an edit resolved is hidden, and comes back when the edit is undone."""

    CSS = """
    #found { height: 1fr; min-height: 5; }
    #views { height: 2fr; }
    """
    COLUMNS: ClassVar[tuple[str, ...]] = ()

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "keep", "Keep"),
        Binding("escape", "leave", "Back"),
    ]

    def __init__(self, session: EditorSession, player: SamplePlayer, found: Sequence[Found]) -> None:
        super().__init__(session, player)
        self.found = list(found)
        self.kept: set[int] = set()

    def compose(self) -> ComposeResult:
        yield Title()
        table: DataTable[Text] = DataTable(id="found", cursor_type="row")
        for name in self.COLUMNS:
            table.add_column(name)
        yield table
        with Horizontal(id="views"):
            yield from self.views()
        yield Footer(compact=True)

    def views(self) -> ComposeResult:
        yield SampleView()

    def row(self, one: Found) -> Sequence[str]:
        """The cells of a finding."""
        raise NotImplementedError

    def resolved(self, one: Found) -> bool:
        """Whether an edit resolved a finding."""
        raise NotImplementedError

    def show_one(self, one: Found | None) -> None:
        """Display the samples of a finding."""
        raise NotImplementedError

    @property
    def table(self) -> DataTable[Text]:
        return self.query_one("#found", DataTable)

    @property
    def at(self) -> int | None:
        """The index of the finding under the cursor."""
        table = self.table
        key = table.ordered_rows[table.cursor_row].key.value if table.row_count else None
        return None if key is None else int(key)

    @property
    def one(self) -> Found | None:
        return None if self.at is None else self.found[self.at]

    def fill(self) -> None:
        table = self.table
        row = table.cursor_row
        with self.prevent(DataTable.RowHighlighted):
            table.clear()
            for number, one in enumerate(self.found):
                if number not in self.kept and not self.resolved(one):
                    table.add_row(*map(Text, self.row(one)), key=str(number))
            table.move_cursor(row=min(row, table.row_count - 1))
        self.show_one(self.one)
        self.show_title()

    def show_title(self, doing: str = "") -> None:
        super().show_title(doing or f"{self.table.row_count:,} of {len(self.found):,} to review")

    @on(DataTable.RowHighlighted)
    def _chosen(self) -> None:
        self.show_one(self.one)

    def action_keep(self) -> None:
        if self.at is not None:
            self.kept.add(self.at)
            self.fill()


class DuplicatesScreen(ReviewScreen[DuplicatePair]):
    """Near-duplicates, side by side."""

    HELP = """\
Pairs of samples with almost the same features, the most similar first. The
similarity is the cosine of the angle between them, independent of loudness.
Duplicates on both sides of a split make a classifier look better than it is.

  1 2  play the left, the right sample      d  delete the right sample
  k    keep both                            D  delete the left sample
  u y  undo, redo                           s  save
  Esc  stop; back
"""
    COLUMNS = ("similarity", "left", "class", "right", "class")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "play('one')", "Play left"),
        Binding("2", "play('other')", "Play right"),
        Binding("d", "delete('other')", "Delete right"),
        Binding("D", "delete('one')", "Delete left", key_display="D"),
    ]

    def views(self) -> ComposeResult:
        yield SampleView(id="one")
        yield SampleView(id="other")

    def row(self, one: DuplicatePair) -> Sequence[str]:
        label_of = self.session.content.label_of
        return (
            f"{one.similarity:.4f}",
            f"{one.one:,}",
            label_of(one.one) or "",
            f"{one.other:,}",
            label_of(one.other) or "",
        )

    def resolved(self, one: DuplicatePair) -> bool:
        label_of = self.session.content.label_of
        return label_of(one.one) is None or label_of(one.other) is None

    def show_one(self, one: DuplicatePair | None) -> None:
        self.show_sample(self.query_one("#one", SampleView), None if one is None else one.one)
        self.show_sample(self.query_one("#other", SampleView), None if one is None else one.other)

    def action_play(self, side: str) -> None:
        if self.one is not None:
            self.play_samples([getattr(self.one, side)])

    def action_delete(self, side: str) -> None:
        if self.one is not None:
            self.apply(Delete((getattr(self.one, side),)))


class LabelIssuesScreen(ReviewScreen[LabelIssue]):
    """Likely label errors."""

    HELP = """\
Samples that the bundle confidently assigns to another class, the most
confident first. The bundle may be wrong: listen.

  p    play                                 a  accept the bundle's class
  k    keep the label                       r  move to another class
  u y  undo, redo                           d  delete
  Esc  stop; back                           s  save
"""
    COLUMNS = ("sample", "label", "p", "prediction", "p")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "play", "Play"),
        Binding("a", "accept", "Accept"),
        Binding("r", "relabel", "Relabel"),
        Binding("d", "delete", "Delete"),
    ]

    def row(self, one: LabelIssue) -> Sequence[str]:
        return f"{one.sample:,}", one.label, f"{one.p_label:.2f}", one.predicted, f"{one.p_predicted:.2f}"

    def resolved(self, one: LabelIssue) -> bool:
        return self.session.content.label_of(one.sample) != one.label

    def show_one(self, one: LabelIssue | None) -> None:
        self.show_sample(self.query_one(SampleView), None if one is None else one.sample)

    def action_play(self) -> None:
        if self.one is not None:
            self.play_samples([self.one.sample])

    def action_accept(self) -> None:
        if self.one is not None:
            predicted = self.one.predicted
            known = predicted in self.session.content.classes
            self.apply(*([] if known else [NewClass(predicted)]), Relabel((self.one.sample,), predicted))

    @work
    async def action_relabel(self) -> None:
        if (one := self.one) is not None:
            await self.move_to(f"Class of sample {one.sample:,}", lambda label: Relabel((one.sample,), label))

    def action_delete(self) -> None:
        if self.one is not None:
            self.apply(Delete((self.one.sample,)))
