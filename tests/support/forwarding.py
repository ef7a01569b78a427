"""Two ends of forwarding: a console that serves, with the account of a node, and the sink that forwards to it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import SecretStr
from sqlalchemy import select

from analyzer.sinks.base import SinkContext
from analyzer.sinks.forward import ForwardSink
from console.services.forwarding.places import forwarded_folder
from tests.support.batches import LABELS, Batches
from tests.support.console import ConsoleUnderTest
from tests.support.console_server import serving_console
from tidzam.accounts.audit import Actor
from tidzam.accounts.node_tokens import renew_node_token
from tidzam.accounts.roles import Role
from tidzam.accounts.users import add_user
from tidzam.config.forward_sink import ForwardSinkSettings
from tidzam.results import AnalyzedBatch, WindowBatch
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow

NODE = "garden"


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


def heard(
    number: int,
    *,
    clip: str | None = None,
    label: str = "birds-wren",
    probability: float = 0.9,
    node: str = NODE,
) -> AnalyzedBatch:
    """A batch in which a detection ends that was heard `number` seconds after the first."""
    source = Batches(node)
    source.batch(number, pond_0=label)
    (ended,) = source.last().detections
    found = replace(ended.detection, clip=clip, peak_probability=probability, id=f"{ended.detection.id}-{number}")
    batch = WindowBatch((), np.zeros((0, 1), np.float32), 1, 0, (), ())
    return AnalyzedBatch(batch, (), (replace(ended, detection=found),))


def write_noise(folder: Path, name: str, size: int) -> bytes:
    """Write a clip of random bytes, which do not compress, and return them."""
    path, content = folder / name, random.Random(name).randbytes(size)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return content


def forward_sink(
    url: str, token: str, home: Path, *, clips: Path | None = None, node: str = NODE, **settings: Any
) -> ForwardSink:
    """The sink of a node, whose clips are in `clips`."""
    values = {"url": url, "token": SecretStr(token), "collect_s": 0.0, "timeout_s": 5.0, **settings}
    context = SinkContext(node=node, labels=LABELS, home=home, clip_folders=() if clips is None else (clips,))
    return ForwardSink(ForwardSinkSettings.model_validate(values), context)
