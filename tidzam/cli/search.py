"""search: index recorded sound, and find what sounds alike."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from tidzam.cli.options import HomeOption, JsonOption, console, running_node, say
from tidzam.errors import NodeError
from tidzam.terminal import command_line, print_json, progress_bar
from tidzam.text import plural
from tidzam.times import parse_time, whole_seconds

if TYPE_CHECKING:  # NumPy, SQLAlchemy and engines, which no other command needs
    from tidzam.config import Settings
    from tidzam.sound_index.index import SoundIndex, SoundMatch, SoundPeriod
    from tidzam.types import Float32

UNREADABLE = 2
"""Exit code if some recordings could not be read."""
_MB = 1_000_000

app = command_line(
    no_args_is_help=True,
    help="Find sounds in the recordings by an example. They are indexed by what a network hears in each window.",
)


@app.command()
def index(
    background: Annotated[
        bool, typer.Option("--background", help="Run only when no other program wants the processor or the disk.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Index the recordings that are not in the index yet, the newest first, and remove those that were deleted.

    It may be stopped at any time, and goes on from there. A running console does this by itself, in the background.
    Exit code: 0 done, 1 failed, 2 done without some recordings that cannot be read.
    """
    from tidzam.sound_index.indexing import give_way, index_archive
    from tidzam.store.database import open_store

    place, settings = running_node(home)
    if background:
        give_way()
    with open_store(settings.store, place.root) as store, progress_bar("indexing", unit="windows") as bar:
        done = index_archive(settings, store, place.root, say=say, progress=bar)
    if as_json:
        faults = [{"path": path, "reason": reason} for path, reason in done.unreadable]
        print_json({"added": done.added, "removed": done.removed, "windows": done.windows, "unreadable": faults})
    else:
        console.print(
            f"{plural(done.added, 'recording')} added ({plural(done.windows, 'window')}), {done.removed} removed"
        )
    if done.unreadable:
        raise typer.Exit(UNREADABLE)


@app.command()
def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the indexes: what is in them, their size on disk, and how much is still to be indexed."""
    from tidzam.sound_index.base import indexes
    from tidzam.sound_index.status import index_status

    place, _ = running_node(home)
    rows = [index_status(one) for one in indexes(place.root)]
    if as_json:
        print_json({"indexes": [row.as_json() for row in rows]})
        return
    if not rows:
        console.print("Nothing is indexed. `tidzam search index` does it.", markup=False)
        return
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("base")
    for title in ("recordings", "unreadable", "windows", "hours", "MB"):
        table.add_column(title, justify="right")
    table.add_column("oldest")
    table.add_column("newest")
    for row in rows:
        counts = (f"{row.recordings:,}", f"{row.unreadable:,}", f"{row.windows:,}", f"{row.hours:,.1f}")
        times = [whole_seconds(one) if one is not None else "" for one in (row.oldest, row.newest)]
        table.add_row(escape(row.base), *counts, f"{row.bytes / _MB:,.1f}", *times)
    console.print(table)


@app.command()
def find(
    example: Annotated[str, typer.Argument(help="An audio file, or a channel such as pond:out_0.")],
    start: Annotated[
        str,
        typer.Argument(help="Beginning of the example: seconds in the file, or a time such as 2026-05-01T06:00:05."),
    ] = "",
    end: Annotated[str, typer.Argument(help="Its end.", show_default="that of the file, or of one window")] = "",
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="Number of results.")] = 10,
    channel: Annotated[list[str] | None, typer.Option("--channel", help="Only in this channel. Repeatable.")] = None,
    since: Annotated[str, typer.Option(help="Only from this time on.", show_default="the oldest")] = "",
    until: Annotated[str, typer.Option(help="Only before this time.", show_default="the newest")] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the sounds in the recordings that are most similar to an example. Times are UTC, unless they have a zone.

    The similarity is the cosine of the angle between two embeddings: 1 for the same sound.
    """
    place, settings = running_node(home)
    searched = _index_of(settings, place.root)
    limits = {name: _time(text, name) if text else None for name, text in (("since", since), ("until", until))}
    if Path(example).is_file():
        queries, without = _file_example(settings, place.root, Path(example), start, end), None
    else:
        queries, without = _recorded_example(searched, example, start, end)
    found = searched.search(queries, count=count, channels=channel or (), without=without, **limits)
    if as_json:
        print_json({"base": searched.about.base, "results": [_match_row(one) for one in found]})
    else:
        _print_matches(found)


def _index_of(settings: Settings, home: Path) -> SoundIndex:
    """The index of the node's base. Raises NodeError (`search_empty`) if there is none."""
    from tidzam.sound_index.base import choose_base, index_folder
    from tidzam.sound_index.index import SoundIndex

    found = SoundIndex.open(index_folder(home, choose_base(settings, home).name))
    if found is None:
        raise NodeError("Nothing is indexed.", hint="Run `tidzam search index` first.", code="search_empty")
    return found


def _file_example(settings: Settings, home: Path, path: Path, start: str, end: str) -> Float32:
    """The embeddings of a section of a file."""
    from tidzam.embeddings.network import open_embedding_network
    from tidzam.inference.engine_records import EngineRecords
    from tidzam.sound_index.base import choose_base
    from tidzam.sound_index.example import embed_example

    try:
        start_s, end_s = float(start or 0), float(end) if end else None
    except ValueError:
        raise typer.BadParameter(f"{start!r}, {end!r}: expected seconds, as {path} is a file") from None
    with open_embedding_network(choose_base(settings, home), records=EngineRecords.in_home(home)) as network:
        return embed_example(network, path, start_s=start_s, end_s=end_s)


def _recorded_example(searched: SoundIndex, channel: str, start: str, end: str) -> tuple[Float32, SoundPeriod]:
    """The embeddings of what a channel recorded, and when. Raises NodeError if that is not in the index."""
    from tidzam.sound_index.index import SoundPeriod

    begins = _time(start, "start")
    period = SoundPeriod(channel, begins, _time(end, "end") if end else begins + timedelta(milliseconds=1))
    rows = searched.rows_between(period)
    if not len(rows):
        raise NodeError(
            f"Nothing of {channel} is indexed at {start}.",
            hint="See `tidzam search status`, or give an audio file.",
            code="search_empty",
        )
    return searched.embeddings(rows), period


def _time(text: str, name: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise typer.BadParameter(f"{name}: {text!r}: {error}") from None


def _match_row(match: SoundMatch) -> dict[str, Any]:
    window = match.window
    times = {"start": window.start.isoformat(), "end": window.end.isoformat()}
    return {"channel": window.channel, **times, "similarity": round(match.similarity, 4)}


def _print_matches(found: list[SoundMatch]) -> None:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("similarity", justify="right")
    table.add_column("channel")
    table.add_column("start (UTC)")
    for one in found:
        start = one.window.start.isoformat(sep=" ", timespec="milliseconds")[:23]
        table.add_row(f"{one.similarity:.3f}", escape(one.window.channel), start)
    console.print(table)
