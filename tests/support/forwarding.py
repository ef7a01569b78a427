"""The receiving end of forwarding: a console that serves, with the account of a node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from console.services.forwarding.places import forwarded_folder
from tests.support.console import ConsoleUnderTest
from tests.support.console_server import serving_console
from tests.support.forward_sink import NODE
from tidzam.accounts.audit import Actor
from tidzam.accounts.node_tokens import renew_node_token
from tidzam.accounts.roles import Role
from tidzam.accounts.users import add_user
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow


@dataclass(frozen=True)
class Hub:
    """The receiving node: its console at `url`, and the account of the node `node` there."""

    url: str
    console: ConsoleUnderTest
    node: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def folder(self) -> Path:
        """The folder of the clips of the node."""
        return forwarded_folder(self.console.runtime.settings) / self.node

    def other(self, node: str) -> Hub:
        """The same for another node, which gets an account."""
        return Hub(self.url, self.console, node, node_token(self.console, node))

    def detections(self) -> list[tuple[str, int, bool, str | None]]:
        """The source and number of windows of each detection of the node, whether it is open, and its clip, by their
        starts."""
        row = DetectionRow
        query = select(SourceRow.name, row.windows, row.is_open, row.clip).where(NodeRow.name == self.node)
        query = query.select_from(NodeRow).join(SourceRow, SourceRow.node_id == NodeRow.id)
        query = query.join(ChannelRow, ChannelRow.source_id == SourceRow.id).join(row, row.channel_id == ChannelRow.id)
        with self.console.store.read() as session:
            return [tuple(found) for found in session.execute(query.order_by(row.start))]  # type: ignore[misc]

    def clips(self) -> dict[str, bytes]:
        """What has arrived completely."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}


def node_token(console: ConsoleUnderTest, name: str = NODE) -> str:
    """A token of a new account for a node."""
    now, by = console.clock(), Actor(name="test")
    with console.store.write() as session:
        user = add_user(session, name, Role.NODE, None, by=by, now=now)
        return renew_node_token(session, user, by=by, now=now)


@contextmanager
def hub(home: Path, **settings: Any) -> Iterator[Hub]:
    """A receiving node; `settings` are those of its console."""
    home.mkdir(exist_ok=True)
    profile = {"node": {"name": "hub"}, "access": {"hosts": ["127.0.0.1"]}}
    with serving_console(home, with_programs=False, profile=profile, **settings) as (url, console):
        yield Hub(url, console, NODE, node_token(console))
