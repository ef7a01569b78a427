"""The answer to the request `database`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stream_manager.recordings.databases import RecordingDatabases, shortened
from tests.support.recordings import chirp, write_recording
from tidzam.config import SourceSettings
from tidzam.errors import RequestError

pytestmark = pytest.mark.timeout(30)


@asynccontextmanager
async def databases(*sources: SourceSettings) -> AsyncIterator[RecordingDatabases]:
    found = RecordingDatabases(sources)
    running = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        running.cancel()
        await asyncio.wait([running])


def source(name: str, folder: Path | None) -> SourceSettings:
    return SourceSettings(name=name, url="x.wav", path_database=folder)


async def test_the_answer_has_the_form_of_tidzam_2019(tmp_path: Path) -> None:
    for after_s, name in ((0, "pond"), (2, "pond"), (60, "pond"), (0, "lake")):
        write_recording(tmp_path, chirp(0.0, 2.0), after_s, name=name)
    async with databases(source("pond", tmp_path), source("lake", tmp_path), source("sea", None)) as found:
        answer = (await found.answer()).model_dump(mode="json")
    assert answer == {
        "database": {
            "pond": {
                "nb_channels": 1,
                "database": [
                    ["2026-05-01-06-30-00", "2026-05-01-06-30-04"],
                    ["2026-05-01-06-31-00", "2026-05-01-06-31-02"],
                ],
            },
            "lake": {"nb_channels": 1, "database": [["2026-05-01-06-30-00", "2026-05-01-06-30-02"]]},
        }
    }


async def test_one_database_can_be_requested(tmp_path: Path) -> None:
    async with databases(source("pond", tmp_path), source("lake", tmp_path)) as found:
        assert list((await found.answer("lake")).database) == ["lake"]


async def test_an_unknown_database_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    async with databases(source("pond", tmp_path), source("lake", tmp_path)) as found:
        with pytest.raises(RequestError, match=r"did you mean 'pond'.*The databases are pond, lake\.") as caught:
            await found.answer("pnod")
    assert (caught.value.code, caught.value.field) == ("database_unknown", "database")


async def test_an_unreadable_folder_is_an_empty_database(tmp_path: Path) -> None:
    async with databases(source("pond", tmp_path / "missing")) as found:
        assert (await found.answer()).database["pond"].database == ()


def test_a_long_answer_leaves_out_the_shortest_holes() -> None:
    periods = [(100.0 * number, 100.0 * number + (50 if number % 10 == 9 else 90)) for number in range(1000)]
    short = shortened(periods, 200)
    assert len(short) == 100
    assert (short[0][0], short[-1][1]) == (periods[0][0], periods[-1][1])
