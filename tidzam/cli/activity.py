"""activity: when in the day and in the year classes occur."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from tidzam.cli.audited import record_command
from tidzam.cli.options import HomeOption, JsonOption, console, running_node
from tidzam.cli.tables import plain_table
from tidzam.terminal import command_line, print_json

if TYPE_CHECKING:
    from tidzam.time_models.prior import TimeModels

app = command_line(help="See when classes occur, and let analyzers know it.", no_args_is_help=True)

_Days = Annotated[int, typer.Option(min=1, max=3660, help="Days to learn from, up to today.")]


_OfAnnotations = Annotated[bool, typer.Option("--annotations", help="Learn from annotations instead of detections.")]


@app.command()
def fit(
    days: _Days = 365, annotations: _OfAnnotations = False, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """Make the time models of the node's classes from what it has heard, without what was judged wrong.

    Analyzers use them if `analyzer.decision.prior.enabled` is set; a running one follows within seconds.
    """
    from tidzam.accounts.audit import AuditAction
    from tidzam.paths import gaps_folder
    from tidzam.store.database import open_store
    from tidzam.store.queries.class_times import class_times, tag_times
    from tidzam.store.queries.gaps import NodeLedger
    from tidzam.time_models.fit import fit_time_models
    from tidzam.time_models.prior_file import write_time_models

    place, settings = running_node(home)
    zone = ZoneInfo("UTC" if settings.location is None else settings.location.time_zone)
    now = datetime.now(UTC)
    today = now.astimezone(zone).date()
    with open_store(settings.store, place.root) as store, store.read() as session:
        query = tag_times if annotations else class_times
        ledger = NodeLedger(settings.node.known_as, gaps_folder(place.root))
        found = query(session, today - timedelta(days=days - 1), today, zone, ledger=ledger, now=now)
    counts = found.with_descendants()
    models = fit_time_models(found.days, found.exposure_h, counts, time_zone=zone.key, now=now)
    write_time_models(place.root, models)
    of = "annotations" if annotations else "detections"
    record_command(home, AuditAction.TIME_MODELS_MADE, of, days=str(days), classes=str(len(models.classes)))
    _print(models, as_json=as_json)


@app.command()
def show(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the time models that analyzers use: of each class, when it occurs most."""
    from tidzam.time_models.prior_file import read_time_models

    place, _ = running_node(home)
    models = read_time_models(place.root)
    if models is None:
        console.print("There are no time models. Make them: tidzam activity fit", markup=False)
        return
    _print(models, as_json=as_json)


def _print(models: TimeModels, *, as_json: bool) -> None:
    if as_json:
        print_json(models.model_dump(mode="json"))
    elif not models.classes:
        console.print("No class was heard often enough for a time model.")
    else:
        console.print(models_table(models))


def models_table(models: TimeModels) -> Table:
    """The classes, each with when it occurs most, and how many times as often as on average."""
    title = f"Time models of {models.first_day} to {models.last_day} ({models.time_zone})"
    table = plain_table(title, "class", "count", "most at", "times", "most around", "times")
    for path, one in models.classes.items():
        hour, season = max(one.day), max(one.year)
        minutes = round(1440 * (one.day.index(hour) + 0.5) / len(one.day))
        day = datetime(models.last_day.year, 1, 1) + timedelta(
            days=365 * (one.year.index(season) + 0.5) / len(one.year)
        )
        table.add_row(
            escape(path),
            f"{one.count:,}",
            f"{minutes // 60 % 24:02}:{minutes % 60:02}",
            f"{hour:.1f}",
            f"{day:%d %b}",
            f"{season:.1f}",
        )
    return table
