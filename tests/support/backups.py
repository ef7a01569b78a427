"""A home with everything that a backup must have, as a node leaves it behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from sqlalchemy import select

from tests.support.store_records import NOON, detection
from tidzam.annotations.rules import AnnotationContent
from tidzam.backup.create import BackupSource
from tidzam.config import load_settings
from tidzam.config.store import StoreSettings
from tidzam.segments import Segment, SegmentIndex
from tidzam.store.annotations import NewAnnotation, add_annotations
from tidzam.store.base import Base
from tidzam.store.database import Store, open_store
from tidzam.store.tables.annotations import AnnotationOrigin
from tidzam.store.tables.places import ChannelRow
from tidzam.store.writer import StoreWriter

FILES = {
    "clips/birds-wren/a.flac": b"wren" * 500,
    "clips/birds-wren/a.flac.keep": b"",
    "models/birds/manifest.json": b"{}",
    "gaps/2026-05.jsonl": b'{"gap": 1}\n',
    "spool/store-analyzer/000000000000.lines": b"{}\n",
    "recordings/pond-2026-05-01-12-00-00.flac": b"fLaC" * 5000,
    "notes/a\nstrange\\name.txt": b"text",
}
TRANSIENT = {
    "logs/analyzer.log": b"log",
    "launchers/analyzer.sh": b"ICECAST_PASSWORD=hidden",
    "icecast.xml": b"<password>hidden</password>",
    "token": b"x" * 40,
    "wanted": b"",
    "watchdog.beat": b"",
    "cache/engines.json": b"{}",
    "jobs/7-1/command.json": b"{}",
    "recordings/.pond-2026-05-01-12-10-00.flac.part": b"fLaC",
    "recordings/.pond-2026-05-01-12-05-00.flac.held": b"speech",
}
SECRET = "correct-horse"


def make_home(folder: Path, store: StoreSettings, *, detections: int = 20) -> BackupSource:
    """A home in `folder/home` with clips outside it in `folder/clips`, and a store with detections."""
    home, clips = folder / "home", folder / "clips"
    for name, content in (FILES | TRANSIENT).items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    (clips / "frogs").mkdir(parents=True)
    (clips / "frogs" / "b.flac").write_bytes(b"frog" * 300)
    SegmentIndex(home / "recordings").add(
        Segment("pond", datetime(2026, 5, 1, tzinfo=UTC), 0.5, "pond-2026-05-01-12-00-00.flac")
    )
    section: dict[str, object] = {} if store.url is None else store.model_dump(mode="json")
    values = {
        "home": str(home),
        "node": {"name": "garden"},
        "store": section,
        "sources": [
            {
                "name": "pond",
                "url": f"rtsp://camera:{SECRET}@10.0.0.7/stream",
                "record": {"path": str(home / "recordings")},
            }
        ],
        "analyzer": {
            "sinks": [
                {"type": "clips", "folder": str(clips)},
                {"type": "mqtt", "host": "broker.example", "user": "garden", "password": SECRET},
            ]
        },
    }
    (home / "profile.yaml").write_text(yaml.safe_dump(values))
    with open_store(store, home) as opened:
        fill(opened, range(detections))
    return BackupSource(home=home, settings=load_settings(home / "profile.yaml"))


def fill(store: Store, numbers: range) -> None:
    """Write detections of several channels and classes, some with what few have; and an annotation."""
    writer = StoreWriter(store)
    writer.write(
        [
            detection(
                number,
                path=("birds", ("wren", "owl")[number % 2]),
                channel=f"pond:out_{number % 3}",
                clip=f"birds-wren/{number}.flac" if number % 5 == 0 else None,
                level_dbfs=-30.1 if number % 2 else None,
                channels=[{"channel": "pond:out_1", "level_dbfs": -31.5, "arrival_ms": 1.25}]
                if number % 4 == 0
                else (),
            )
            for number in numbers
        ]
    )
    later = NOON + timedelta(seconds=2)
    with store.write() as session:
        channel = session.scalars(select(ChannelRow.id).order_by(ChannelRow.id)).first()
        assert channel is not None
        content = AnnotationContent(start=NOON, end=later, tag="wren", low_hz=0.1)
        new = NewAnnotation(channel_id=channel, content=content)
        add_annotations(session, [new], origin=AnnotationOrigin.MANUAL, user_id=None, zone=UTC, now=NOON)


def rows_of(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, in an order that does not depend on the database."""
    with store.read() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


def tree(folder: Path) -> dict[str, bytes]:
    """The content of all files below a folder, by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
