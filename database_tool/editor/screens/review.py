"""Going through what a search found: near-duplicates side by side, and labels that a classifier contradicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import DataTable, Footer

from database_tool.editor.duplicates import Pair
from database_tool.editor.edits import Delete, NewClass, Relabel
from database_tool.editor.label_errors import LabelIssue
from database_tool.editor.playback import SamplePlayer
from database_tool.editor.screens.base import EditorScreen
from database_tool.editor.session import EditorSession
from database_tool.editor.widgets import SampleView, Title

Found = TypeVar("Found")


class ReviewScreen(EditorScreen, Generic[Found]):
    """A table of what was found. What an edit has settled is not shown, and comes back when that is undone."""

    CSS = """
    #found { height: 1fr; min-height: 5; }
    #views { height: 2fr; }
    """
    COLUMNS: ClassVar[tuple[str, ...]] = ()

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "keep", "Keep as it is"),
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
        """What the table says of a finding."""
        raise NotImplementedError

    def settled(self, one: Found) -> bool:
        raise NotImplementedError

    def show_one(self, one: Found | None) -> None:
        """The samples of a finding."""
        raise NotImplementedError

    @property
    def table(self) -> DataTable[Text]:
        return self.query_one("#found", DataTable)

    @property
    def at(self) -> int | None:
        """The number of the finding under the cursor."""
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
                if number not in self.kept and not self.settled(one):
                    table.add_row(*map(Text, self.row(one)), key=str(number))
            table.move_cursor(row=min(row, table.row_count - 1))
        self.show_one(self.one)
        self.show_title()

    def show_title(self, doing: str = "") -> None:
        super().show_title(doing or f"{self.table.row_count:,} of {len(self.found):,} left to look at")

    @on(DataTable.RowHighlighted)
    def _chosen(self) -> None:
        self.show_one(self.one)

    def action_keep(self) -> None:
        if self.at is not None:
            self.kept.add(self.at)
            self.fill()


class DuplicatesScreen(ReviewScreen[Pair]):
    HELP = """\
Pairs of samples whose features are almost the same, the likest first. The
similarity is the cosine of the angle between them, whatever their loudness.
What is on both sides of a split makes a classifier look better than it is.

  1 2  play the left, the right one         d  delete the right one
  k    keep both                            D  delete the left one
  u y  undo, redo                           s  save
  Esc  fall silent; back
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

    def row(self, one: Pair) -> Sequence[str]:
        label_of = self.session.content.label_of
        return (
            f"{one.similarity:.4f}",
            f"{one.one:,}",
            label_of(one.one) or "",
            f"{one.other:,}",
            label_of(one.other) or "",
        )

    def settled(self, one: Pair) -> bool:
        label_of = self.session.content.label_of
        return label_of(one.one) is None or label_of(one.other) is None

    def show_one(self, one: Pair | None) -> None:
        self.show_sample(self.query_one("#one", SampleView), None if one is None else one.one)
        self.show_sample(self.query_one("#other", SampleView), None if one is None else one.other)

    def action_play(self, side: str) -> None:
        if self.one is not None:
            self.play_samples([getattr(self.one, side)])

    def action_delete(self, side: str) -> None:
        if self.one is not None:
            self.do(Delete((getattr(self.one, side),)))


class LabelIssuesScreen(ReviewScreen[LabelIssue]):
    HELP = """\
Samples to which the bundle gives another class with confidence, the surest
first. It may be wrong: listen.

  p    play                                 a  accept what the bundle says
  k    keep the label                       r  move to a class of your own choice
  u y  undo, redo                           d  delete
  Esc  fall silent; back                    s  save
"""
    COLUMNS = ("sample", "labelled", "p", "the bundle says", "p")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "play", "Play"),
        Binding("a", "accept", "Accept"),
        Binding("r", "relabel", "Relabel"),
        Binding("d", "delete", "Delete"),
    ]

    def row(self, one: LabelIssue) -> Sequence[str]:
        return f"{one.sample:,}", one.label, f"{one.p_label:.2f}", one.says, f"{one.p_says:.2f}"

    def settled(self, one: LabelIssue) -> bool:
        return self.session.content.label_of(one.sample) != one.label

    def show_one(self, one: LabelIssue | None) -> None:
        self.show_sample(self.query_one(SampleView), None if one is None else one.sample)

    def action_play(self) -> None:
        if self.one is not None:
            self.play_samples([self.one.sample])

    def action_accept(self) -> None:
        if self.one is not None:
            says = self.one.says
            known = says in self.session.content.classes
            self.do(*([] if known else [NewClass(says)]), Relabel((self.one.sample,), says))

    @work
    async def action_relabel(self) -> None:
        if (one := self.one) is not None:
            await self.move_to(f"Sample {one.sample:,} is", lambda label: Relabel((one.sample,), label))

    def action_delete(self) -> None:
        if self.one is not None:
            self.do(Delete((self.one.sample,)))
