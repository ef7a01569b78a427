"""The paths of recordings in a restored store lead to where the files are now."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from tidzam.store.tables.places import NodeRow, SourceRow
from tidzam.store.tables.recordings import RecordingRow


def relocate_recordings(session: Session, places: Mapping[str, str], *, node: str) -> None:
    """Change the paths of a node's recordings that lie in one of `places`: old folder to new one."""
    path = RecordingRow.path
    moved = [
        (func.substr(path, 1, len(old) + 1) == f"{old}/", new + func.substr(path, len(old) + 1))
        for old, new in sorted(places.items(), key=lambda place: -len(place[0]))
    ]
    sources = select(SourceRow.id).join(NodeRow, NodeRow.id == SourceRow.node_id).where(NodeRow.name == node)
    statement = update(RecordingRow).where(RecordingRow.source_id.in_(sources)).values(path=case(*moved, else_=path))
    session.execute(statement, execution_options={"synchronize_session": False})
