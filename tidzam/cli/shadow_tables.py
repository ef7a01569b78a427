"""The table of how a shadow cascade differs from the live one."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tidzam.protocol.shadow import ShadowStatus

MOST_ROWS = 12
"""Classes and windows that are shown."""


def print_shadow(console: Console, shadow: ShadowStatus) -> None:
    """The report of `tidzam models shadow`: how often the two agree, where they differ, and the last differences."""
    console.print(f"[bold]Shadow[/] {escape(', '.join(shadow.classifiers))}: {shadow.state}", highlight=False)
    if shadow.fault:
        console.print(f"[red]✗[/] {escape(shadow.fault)}", highlight=False)
    if shadow.compared:
        console.print(summary(shadow), highlight=False)
        console.print(classes_table(shadow))
    if shadow.latest:
        console.print(latest_table(shadow))


def summary(shadow: ShadowStatus) -> str:
    """How often the two agree, in words."""
    differs = "" if shadow.mean_difference is None else f", probabilities differ by {shadow.mean_difference:.3f}"
    left = [
        f"{count} {what}"
        for count, what in (
            (shadow.dropped, "dropped"),
            (shadow.incomplete, "incomplete"),
            (shadow.errors, "failed"),
            (shadow.unsent, "not sent to clients"),
        )
        if count
    ]
    agreement = shadow.agreement or 0.0
    return f"{shadow.compared} windows compared, {agreement:.1%} agree{differs}" + "".join(f", {one}" for one in left)


def classes_table(shadow: ShadowStatus) -> Table:
    """The windows of each class by which of the two decided it."""
    table = _table("class", "both", "live only", "shadow only", "difference")
    for one in shadow.classes[:MOST_ROWS]:
        difference = "" if one.mean_difference is None else f"{one.mean_difference:.3f}"
        table.add_row(escape(one.label), str(one.both), str(one.live_only), str(one.shadow_only), difference)
    return table


def latest_table(shadow: ShadowStatus) -> Table:
    """The last windows that differ."""
    table = _table("time", "channel", "live", "shadow")
    for one in shadow.latest[:MOST_ROWS]:
        table.add_row(f"{one.start:%H:%M:%S.%f}"[:-5], escape(one.channel), _decided(one.live), _decided(one.shadow))
    return table


def _decided(classes: Mapping[str, float]) -> str:
    return escape(", ".join(f"{label} {value:.2f}" if value else label for label, value in classes.items()))


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column)
    return table
