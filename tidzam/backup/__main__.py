"""`python -m tidzam.backup`: makes or verifies a backup as a job, which reports its progress (`tidzam.jobs`)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tidzam.backup.create import BackupSource, create_backup
from tidzam.backup.shelf import BackupShelf, chosen_backup
from tidzam.backup.verify import verify_backup
from tidzam.config import load_settings
from tidzam.errors import TidzamError
from tidzam.jobs.reports import ReportWriter
from tidzam.progress import Progress
from tidzam.terminal import command_line

_MOST_SHOWN = 20

app = command_line()


@app.command()
def create(
    folder: Annotated[Path, typer.Argument(help="Folder of the backups.")],
    home: Annotated[Path, typer.Option(help="Home of the node.")],
    keep: Annotated[int | None, typer.Option(min=1, help="Number of backups to keep.", show_default="all")] = None,
) -> None:
    """Make a backup of a node, without credentials."""
    reports = ReportWriter()
    source = BackupSource(home=home, settings=load_settings(home / "profile.yaml"))
    record = create_backup(source, BackupShelf(folder), keep=keep, progress=_progress(reports, "Copying"), say=_log)
    missing = [one.path for one in record.unreadable]
    reports.result({"backup": record.name, "bytes": record.bytes, "unreadable": missing[:_MOST_SHOWN]})


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="Folder of the backups.")],
    name: Annotated[str, typer.Argument(help="Name of the backup.")],
) -> None:
    """Compare every file of a backup with its checksum."""
    reports = ReportWriter()
    damage = verify_backup(chosen_backup(folder, name), progress=_progress(reports, "Verifying"))
    reports.result({"backup": name, "faults": len(damage), "damage": [str(one) for one in damage[:_MOST_SHOWN]]})


def _progress(reports: ReportWriter, what: str) -> Progress:
    """Reports each percent once."""
    last = -1

    def report(done: int, total: int) -> None:
        nonlocal last
        percent = 100 * done // total if total else -1
        if percent != last:
            last = percent
            reports.progress(done / total if total else None, f"{what} {total:,} files" if total else what)

    return report


def _log(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main() -> None:
    """Run a command; its failure is a report."""
    try:
        app(standalone_mode=False)
    except TidzamError as error:
        ReportWriter().failure(error)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
