"""store: the state of the node's store."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tidzam.cli.options import HomeOption, JsonOption, console, running_node
from tidzam.terminal import command_line, print_json

if TYPE_CHECKING:  # SQLAlchemy takes longer to load than most commands to run
    from tidzam.store.status import StoreStatus

app = command_line(help="Look after the store: the database of what was heard and recorded.", no_args_is_help=True)


@app.callback()
def _store() -> None:
    """A command of its own, so that there may be more than one."""


@app.command()
def status(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show where the store is, its version and size, the rows of its tables, and what waits on disk for it.

    The store is that of the node's last start; it is made if it does not exist.
    """
    from tidzam.store.database import open_store
    from tidzam.store.status import store_status

    place, settings = running_node(home)
    with open_store(settings.store, place.root) as store:
        found = store_status(store, settings.store, place.root)
    if as_json:
        print_json(asdict(found))
    else:
        console.print(status_report(found))


def status_report(found: StoreStatus) -> Group:
    """What `tidzam store status` prints."""
    waiting = ", ".join(f"{count:,} of the {name.replace('_', ' ')}" for name, count in found.waiting.items() if count)
    lines = [
        f"{found.kind}, version {found.version}, {found.size_bytes / 1e6:,.1f} MB: {found.address}",
        f"Waiting on disk: {waiting or 'nothing'}.",
    ]
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("table")
    table.add_column("rows", justify="right")
    for name, count in found.rows.items():
        table.add_row(escape(name), f"{count:,}")
    return Group(*map(Text, lines), table)
