"""The recordings of all sources of the profile, by the name of their source."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from stream_manager.recordings.database import DatabaseOptions, RecordingDatabase
from stream_manager.recordings.index import merge
from tidzam.config import SourceSettings
from tidzam.errors import RequestError
from tidzam.protocol.messages import quote, suggestion
from tidzam.protocol.recordings import Database, DatabaseList

WAIT_S: Final = 5.0
"""How long a request waits until the lengths of all recordings are known; later ones are more exact."""
JOIN_S: Final = 2.0
"""Recordings that are at most this far apart belong to one period of the answer."""
MAX_PERIODS: Final = 5000
"""The maximum number of periods of a database in an answer."""


class RecordingDatabases:
    """The databases of those of `sources` that have recordings."""

    def __init__(self, sources: Iterable[SourceSettings] = ()) -> None:
        found = [options for source in sources if (options := DatabaseOptions.of(source)) is not None]
        self._databases = {options.name: RecordingDatabase(options) for options in found}

    def __iter__(self) -> Iterator[RecordingDatabase]:
        return iter(self._databases.values())

    def __contains__(self, name: str) -> bool:
        return name in self._databases

    async def run(self) -> None:
        """Follow the folders of all databases until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for database in self:
                tasks.create_task(database.run(), name=f"{database.name} recordings")

    def find(self, name: str) -> RecordingDatabase:
        """The database of the source `name`. Raises RequestError (`database_unknown`)."""
        if name in self._databases:
            return self._databases[name]
        known = tuple(self._databases)
        if known:
            message = f"There is no database {quote(name)}{suggestion(name, known)}."
            hint = f"The databases are {', '.join(known)}."
        else:
            message = f"There is no database {quote(name)}."
            hint = "No source of the profile has recordings: set `record` or `path_database` of one."
        raise RequestError(message, hint=hint, code="database_unknown", field="database")

    async def answer(self, name: str = "") -> DatabaseList:
        """The periods with recordings, of the database `name` or of all. Raises RequestError (`database_unknown`)."""
        wanted = [self.find(name)] if name else list(self)
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                for database in wanted:
                    await database.ready.wait()
                    if database.fault is None:
                        await database.measured.wait()
        return DatabaseList(database={database.name: _described(database) for database in wanted})


def _described(database: RecordingDatabase) -> Database:
    periods = shortened(database.index.periods(join_s=JOIN_S), MAX_PERIODS)
    times = tuple((_time(start_s), _time(end_s)) for start_s, end_s in periods)
    return Database(nb_channels=database.channels, database=times)


def shortened(periods: Sequence[tuple[float, float]], most: int) -> Sequence[tuple[float, float]]:
    """`periods`, if there are at most so many. Otherwise the shortest holes between them are left out."""
    join_s = JOIN_S
    while len(periods) > most:
        join_s *= 2
        periods = merge(periods, join_s=join_s)
    return periods


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
