"""Widgets: spectrograms, tables of classes and samples, the title line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import DataTable, Static

from database_tool.editor.edits import Content
from database_tool.editor.formatting import channel_name, clock, describe_origin, file_name, time_of
from database_tool.editor.session import EditorSession
from tidzam.spectrogram import half_blocks
from tidzam.text import plural
from tidzam.types import Float32

ALL = ""
"""Stands for all classes in place of a label; no label is empty."""


class SpectrogramView(Widget):
    """Features (frames, mels) in dB, drawn to fill the widget."""

    DEFAULT_CSS = "SpectrogramView { height: 1fr; min-height: 4; }"

    def __init__(self) -> None:
        super().__init__()
        self.features: Float32 | None = None
        self._strips: list[Strip] = []

    def show(self, features: Float32 | None) -> None:
        self.features = features
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        columns, rows = self.size
        lines = half_blocks(self.features, columns=columns, rows=rows) if self.features is not None and columns else []
        self._strips = [Strip([Segment(text, style) for text, style in line], columns) for line in lines]
        self.refresh()

    def render_line(self, y: int) -> Strip:
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)


class SampleView(Vertical):
    """A sample: class, origin and spectrogram."""

    DEFAULT_CSS = """
    SampleView { height: 1fr; }
    SampleView > Static { height: 2; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def compose(self) -> ComposeResult:
        yield Static(markup=False)
        yield SpectrogramView()

    def show(self, session: EditorSession, sample: int | None) -> None:
        text, picture = self.query_one(Static), self.query_one(SpectrogramView)
        if sample is None:
            text.update("no sample")
            picture.show(None)
            return
        label = session.content.label_of(sample) or "deleted"
        text.update(Text(f"{sample:,} {label}\n{describe_origin(session.origin(sample))}"))
        picture.show(session.features([sample])[0])


class Title(Static):
    """The name and size of the dataset, unsaved edits, and the current activity."""

    DEFAULT_CSS = "Title { height: 1; background: $primary; color: $text; padding: 0 1; text-wrap: nowrap; }"

    def show(self, session: EditorSession, activity: str = "") -> None:
        content = session.content
        counts, edits = sum(content.counts()), len(session.edits)
        parts = [
            session.dataset.name,
            plural(counts, "sample"),
            f"{len(content.classes)} {'class' if len(content.classes) == 1 else 'classes'}",
            f"● {plural(edits, 'unsaved edit')}" if edits else "saved",
            activity,
        ]
        self.update(Text("  ".join(part for part in parts if part)))


_MOVES: list[BindingType] = [
    Binding("home", "scroll_top", show=False),
    Binding("end", "scroll_bottom", show=False),
]


class ClassTable(DataTable[Text]):
    """All classes with ids, parents and counts."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *_MOVES,
        Binding("p", "screen.play_class", "Play class"),
        Binding("n", "screen.new_class", "New"),
        Binding("r", "screen.rename_class", "Rename"),
        Binding("m", "screen.merge_class", "Merge"),
        Binding("o", "screen.move_class", "Move"),
        Binding("d", "screen.delete_class", "Delete"),
    ]

    def on_mount(self) -> None:
        self.cursor_type = "row"
        self.add_column("id")
        self.add_column("class")
        self.add_column("samples")

    @property
    def label(self) -> str:
        """The class under the cursor, or ALL."""
        key = self.ordered_rows[self.cursor_row].key.value if self.row_count else ALL
        return key or ALL

    def fill(self, content: Content, label: str) -> None:
        """Show all classes, with the cursor on `label` if it exists."""
        counts = content.counts()
        self.clear()
        self.add_row(Text(""), Text("all", "italic"), _number(sum(counts)), key=ALL)
        for number, (name, count) in enumerate(zip(content.classes, counts, strict=True)):
            parent = content.tree.parents[name]
            cell = Text.assemble(name, (f" < {parent}", "dim") if parent else "")
            self.add_row(_number(number), cell, _number(count), key=name)
        self.move_cursor(row=content.classes.index(label) + 1 if label in content.classes else 0)


class SampleTable(DataTable[Text]):
    """One page of samples."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *_MOVES,
        Binding("p", "screen.play", "Play"),
        Binding("space", "screen.mark", "Mark"),
        Binding("a", "screen.mark_page", "Mark page", show=False),
        Binding("r,m", "screen.relabel", "Relabel", key_display="r"),
        Binding("d,delete", "screen.delete", "Delete", key_display="d"),
        Binding("left_square_bracket", "screen.page(-1)", "Previous page", show=False, key_display="["),
        Binding("right_square_bracket", "screen.page(1)", "Next page", show=False, key_display="]"),
    ]

    def on_mount(self) -> None:
        self.cursor_type = "row"
        for name in ("", "sample", "class", "file", "at", "ch", "time (UTC)"):
            self.add_column(name)

    @property
    def sample(self) -> int | None:
        """The sample under the cursor, if there is one."""
        key = self.ordered_rows[self.cursor_row].key.value if self.row_count else None
        return None if key is None else int(key)

    def fill(self, session: EditorSession, samples: Sequence[int], marked: set[int]) -> None:
        """Show samples; the cursor stays in its row if that exists."""
        row = self.cursor_row
        self.clear()
        for sample in samples:
            origin = session.origin(sample)
            self.add_row(
                Text("●" if sample in marked else " "),
                _number(sample),
                Text(session.content.label_of(sample) or "deleted"),
                Text(file_name(origin)),
                Text(clock(origin.offset_s), justify="right"),
                Text(channel_name(origin)),
                Text(time_of(origin)),
                key=str(sample),
            )
        self.move_cursor(row=min(row, self.row_count - 1))


def _number(value: int) -> Text:
    return Text(f"{value:,}", justify="right")
