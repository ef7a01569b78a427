"""Tables of commands, and how they show states and lengths of time."""

from __future__ import annotations

from rich.table import Table

_COLOURS = {"RUNNING": "green", "playing": "green", "recording": "green", "STARTING": "yellow"}


def duration(seconds: float) -> str:
    """A length of time as people read it: `0.4 s`, `95 s`, `3.5 min`, `12.3 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.1f} h"


def plain_table(title: str, *columns: str, gap: int = 2) -> Table:
    """A table without lines between its cells."""
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None, padding=(0, gap, 0, 0)
    )
    table.min_width = len(title)  # rather than wrap the title
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def state_markup(state: str) -> str:
    """The state of a program or a source, in its color."""
    return f"[{_COLOURS.get(state, 'red')}]{state}[/]"
