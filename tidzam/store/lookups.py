"""The numbers of nodes, sources, channels, classes and models, which are made when a name comes for the first time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select, tuple_

from tidzam.store.base import Base
from tidzam.store.database import Store
from tidzam.store.tables.models import ClassRow, ModelRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow
from tidzam.store.upsert import insert_missing, table_of

Name = tuple[int | str, ...]
"""What identifies a row besides its number."""
SEPARATOR: Final = "/"
"""Between the labels of a class's path."""


class NameTable:
    """The numbers of rows by the values of `columns`. What was found is remembered: such rows are never deleted.

    `values_of` makes the values of a new row of a name, by default those of the columns.
    """

    def __init__(
        self,
        row: type[Base],
        columns: Sequence[str],
        *,
        values_of: Callable[[Name], Mapping[str, Any]] | None = None,
    ) -> None:
        self._row, self._table, self._columns = row, table_of(row), columns
        self._values_of = values_of or (lambda name: dict(zip(columns, name, strict=True)))
        self._known: dict[Name, int] = {}

    def __getitem__(self, name: Name) -> int:
        """The number of a name that `learn` was given."""
        return self._known[name]

    def learn(self, store: Store, names: Iterable[Name]) -> None:
        """Find the numbers of these names, and make rows for those that have none, in a transaction of its own."""
        missing = sorted({name for name in names if name not in self._known})  # in one order for all writers
        if not missing:
            return
        columns = [self._table.c[column] for column in self._columns]
        with store.write() as session:
            insert_missing(session, self._row, [self._values_of(name) for name in missing])
            query = select(self._table.c.id, *columns).where(tuple_(*columns).in_(missing))
            self._known |= {tuple(name): number for number, *name in session.execute(query)}

    def forget(self) -> None:
        """The database may be another one."""
        self._known.clear()


class NameTables:
    """All names that records use. `learn` makes the rows that are missing in transactions of their own, so that facts
    never wait for one another because of them."""

    def __init__(self) -> None:
        self._nodes = NameTable(NodeRow, ["name"])
        self._sources = NameTable(SourceRow, ["node_id", "name"])
        self._channels = NameTable(ChannelRow, ["source_id", "name"])
        self._models = NameTable(ModelRow, ["name", "version"])
        self._classes = NameTable(ClassRow, ["path"], values_of=self._class_values)

    def _class_values(self, name: Name) -> Mapping[str, Any]:
        path = str(name[0])
        parent, _, label = path.rpartition(SEPARATOR)
        return {"path": path, "label": label, "parent_id": self._classes[(parent,)] if parent else None}

    def forget(self) -> None:
        """The database may be another one."""
        for table in (self._nodes, self._sources, self._channels, self._models, self._classes):
            table.forget()

    def learn_nodes(self, store: Store, names: Iterable[str]) -> None:
        """Nodes."""
        self._nodes.learn(store, ((name,) for name in names))

    def node(self, name: str) -> int:
        """The number of a node that was learned."""
        return self._nodes[(name,)]

    def learn_sources(self, store: Store, names: Iterable[tuple[str, str]]) -> None:
        """Sources, each with its node."""
        wanted = {*names}
        self.learn_nodes(store, (node for node, _ in wanted))
        self._sources.learn(store, ((self.node(node), source) for node, source in wanted))

    def source(self, node: str, source: str) -> int:
        """The number of a source that was learned."""
        return self._sources[self.node(node), source]

    def learn_channels(self, store: Store, names: Iterable[tuple[str, str, str]]) -> None:
        """Channels, each with its node and its source."""
        wanted = {*names}
        self.learn_sources(store, ((node, source) for node, source, _ in wanted))
        self._channels.learn(store, ((self.source(node, source), channel) for node, source, channel in wanted))

    def channel(self, node: str, source: str, channel: str) -> int:
        """The number of a channel that was learned."""
        return self._channels[self.source(node, source), channel]

    def learn_models(self, store: Store, names: Iterable[tuple[str, str]]) -> None:
        """Models, each with its version."""
        self._models.learn(store, names)

    def model(self, name: str, version: str) -> int:
        """The number of a model that was learned."""
        return self._models[name, version]

    def learn_classes(self, store: Store, paths: Iterable[Sequence[str]]) -> None:
        """Classes by their paths, and those above them."""
        wanted = {tuple(path[: depth + 1]) for path in paths for depth in range(len(path))}
        for depth in sorted({len(path) for path in wanted}):
            self._classes.learn(store, ((SEPARATOR.join(path),) for path in wanted if len(path) == depth))

    def label_class(self, path: Sequence[str]) -> int:
        """The number of a class that was learned."""
        return self._classes[(SEPARATOR.join(path),)]
