"""backup: create, list, verify and restore backups of a node."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from tidzam.cli.audited import record_command
from tidzam.cli.options import HomeOption, JsonOption, console, profile_settings, running_node, say
from tidzam.node.home import find_home
from tidzam.terminal import command_line, print_json, progress_bar
from tidzam.text import plural

if TYPE_CHECKING:  # SQLAlchemy, which no other command needs
    from tidzam.backup.record import BackupRecord

DAMAGED = 2
"""Exit code if a backup is damaged, or some files could not be read for it."""
_MB = 1_000_000

app = command_line(
    no_args_is_help=True,
    help="Backups of a node: its store, recordings, clips, models and settings, as plain files with checksums.",
)

FolderArgument = Annotated[Path, typer.Argument(help="Folder of the backups.")]
BackupArgument = Annotated[Path, typer.Argument(help="Folder of the backups, or of one backup.")]
NameOption = Annotated[
    str | None, typer.Option("--name", help="Name of a backup in that folder.", show_default="the newest one")
]


@app.command()
def create(
    folder: FolderArgument,
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="Number of backups of this home to keep; older ones are deleted.", show_default="all"),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Copy every file, also those that have not changed since the last backup.")
    ] = False,
    credentials: Annotated[
        bool, typer.Option("--credentials", help="Include passwords and tokens, which are left out otherwise.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a backup of a node, which may be running. Files that have not changed are shared with the last backup.

    Exit code: 0 made, 1 not made, 2 made without some files that cannot be read.
    """
    from tidzam.backup.create import BackupSource, create_backup
    from tidzam.backup.shelf import BackupShelf

    place, settings = running_node(home)
    source = BackupSource(home=place.root, settings=settings)
    shelf = BackupShelf(folder.absolute())
    with progress_bar("copying", unit="files") as bar:
        record = create_backup(source, shelf, keep=keep, full=full, credentials=credentials, progress=bar, say=say)
    if as_json:
        print_json(record.as_json())
    else:
        _print_created(record, shelf.path)
    if record.unreadable:
        raise typer.Exit(DAMAGED)


def _print_created(record: BackupRecord, folder: Path) -> None:
    for one in record.unreadable:
        say(f"not in the backup: {one.path} cannot be read: {one.reason}", style="red")
    if record.left_out:
        say(f"not in the backup: the credentials of {', '.join(record.left_out)} (--credentials includes them)")
    console.print(
        f"{escape(str(folder / record.name))}: {plural(record.files, 'file')}, {_mb(record.bytes)}, of which "
        f"{_mb(record.new_bytes)} are new, in {record.seconds:.1f} s",
        highlight=False,
        soft_wrap=True,
    )


@app.command("list")
def list_backups(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """List the backups in a folder, the oldest first."""
    from tidzam.backup.shelf import BackupShelf

    shelf = BackupShelf(folder.absolute())
    records, unfinished = shelf.readable(say), [str(path) for path in shelf.unfinished()]
    if as_json:
        print_json({"backups": [record.as_json() for record in records], "unfinished": unfinished})
        return
    if records:
        _print_records(records)
    else:
        console.print(f"There is no backup in {shelf.path}.", markup=False, highlight=False)
    for path in unfinished:
        say(f"not complete: {path}")


def _print_records(records: list[BackupRecord]) -> None:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("backup", "node", "store"):
        table.add_column(title)
    for title in ("files", "size", "new"):
        table.add_column(title, justify="right")
    table.add_column("remarks")
    for record in records:
        remarks = [
            *(["with credentials"] if record.left_out is None else []),
            *([f"{plural(len(record.unreadable), 'file')} missing"] if record.unreadable else []),
        ]
        table.add_row(
            escape(record.name),
            escape(record.node),
            record.store or "none",
            f"{record.files:,}",
            _mb(record.bytes),
            _mb(record.new_bytes),
            ", ".join(remarks),
        )
    console.print(table)


@app.command()
def verify(folder: BackupArgument, name: NameOption = None, as_json: JsonOption = False) -> None:
    """Read every file of a backup and compare it with its checksum.

    Exit code: 0 complete and intact, 1 there is no backup, 2 damaged or not complete.
    """
    from tidzam.backup.shelf import BackupShelf, chosen_backup
    from tidzam.backup.verify import verify_backup

    backup = chosen_backup(folder.absolute(), name)
    for path in BackupShelf(backup.parent).unfinished():
        if path != backup:
            say(f"not complete: {path}")
    with progress_bar("verifying", unit="files") as bar:
        damage = verify_backup(backup, progress=bar)
    if as_json:
        rows: list[dict[str, Any]] = [{"path": one.path, "kind": one.kind, "reason": one.reason} for one in damage]
        print_json({"backup": str(backup), "intact": not damage, "damage": rows})
    else:
        for one in damage:
            say(str(one), style="red")
        verdict = plural(len(damage), "fault") if damage else "complete and intact"
        console.print(f"{escape(str(backup))}: {verdict}", highlight=False, soft_wrap=True)
    if damage:
        raise typer.Exit(DAMAGED)


@app.command()
def restore(
    folder: BackupArgument,
    name: NameOption = None,
    home: HomeOption = None,
    profile: Annotated[
        str,
        typer.Option(
            "--profile", "-p", help="Profile whose `store` is restored into.", show_default="the one in the backup"
        ),
    ] = "",
    original_folders: Annotated[
        bool,
        typer.Option(
            "--original-folders",
            help="Restore folders from outside the home to where they were, instead of into `outside/` in the home.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup into an empty home; every file is verified. An SQLite store goes there, too; one in PostgreSQL
    into the database of the settings, which must be empty."""
    from tidzam.accounts.audit import AuditAction
    from tidzam.backup.restore import restore_backup
    from tidzam.backup.shelf import chosen_backup

    backup = chosen_backup(folder.absolute(), name)
    place = find_home(home)
    settings = profile_settings(profile, place.root) if profile else None
    with place.locked(say), progress_bar("restoring", unit="files") as bar:
        restored = restore_backup(
            backup, place, settings=settings, original_folders=original_folders, progress=bar, say=say
        )
    record_command(home, AuditAction.BACKUP_RESTORED, backup.name)
    if as_json:
        folders = {name: str(path) for name, path in restored.outside.items()}
        left_out = list(restored.record.left_out or ())
        print_json({"backup": str(backup), "home": str(place.root), "outside": folders, "left_out": left_out})
        return
    for place_name, path in restored.outside.items():
        say(f"{restored.record.outside[place_name]} is now {path}")
    if restored.record.left_out:
        say(f"set these credentials again in {place.profile}: {', '.join(restored.record.left_out)}")
    console.print(
        f"restored {escape(str(backup))} into {escape(str(place.root))}; start it: tidzam restart --home "
        f"{escape(str(place.root))}",
        highlight=False,
        soft_wrap=True,
    )


def _mb(size: int) -> str:
    return f"{size / _MB:,.1f} MB"
