"""The text in each backup that says how to check and restore it, also without Tidzam. Pure."""

from __future__ import annotations

from tidzam.backup.record import CHECKSUMS, DATABASE, HOME, OUTSIDE, RECORD, BackupRecord


def instructions(record: BackupRecord) -> str:
    """The content of `README.txt`."""
    return "\n\n".join(filter(None, (_title(record), _folders(record), _store(record), _credentials(record), _CHECK)))


def _title(record: BackupRecord) -> str:
    return (
        f"This is a backup of the Tidzam node {record.node}, made of {record.home} at "
        f"{record.created:%Y-%m-%d %H:%M:%S} UTC.\n\nTo restore it into an empty home:\n\n"
        "    tidzam backup restore THIS_FOLDER --home NEW_HOME"
    )


def _folders(record: BackupRecord) -> str:
    lines = [f"Everything is a plain file. By hand, copy {HOME}/ to the new home"]
    if record.store is not None:
        lines[0] += f", and {DATABASE} to store/ in it"
    lines[0] += "."
    for place, folder in record.outside.items():
        lines.append(f"{OUTSIDE}/{place}/ was {folder}.")
    return "\n".join(lines)


def _store(record: BackupRecord) -> str:
    if record.store is None:
        return ""
    text = f"{DATABASE} is the store, version {record.store_version}: an SQLite file, which any tool for SQLite reads."
    if record.store == "postgresql":
        text += "\nIts rows are from PostgreSQL; `tidzam backup restore` writes them into an empty PostgreSQL database."
    return text


def _credentials(record: BackupRecord) -> str:
    if record.left_out is None:
        return "This backup contains credentials: keep it where only you can read it."
    if not record.left_out:
        return ""
    names = "".join(f"\n    {name}" for name in record.left_out)
    return f"Credentials of these settings are not in the backup; set them again in {HOME}/profile.yaml:\n{names}"


_CHECK = (
    f"{RECORD} describes the backup for programs. {CHECKSUMS} has the SHA-256 of every file; to check them all:\n\n"
    f"    sha256sum --check --quiet {CHECKSUMS}\n\n"
    "Backups share files that have not changed: do not edit them in place.\n"
)
