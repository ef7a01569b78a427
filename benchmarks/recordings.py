"""The index of a folder with many recordings: the time until it can be used, until all lengths are known, and per
lookup."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stream_manager.recordings.database import RecordingDatabase
from stream_manager.recordings.databases import RecordingDatabases
from stream_manager.recordings.sequence import first_passage
from tidzam.config import SourceSettings
from tidzam.errors import NodeError
from tidzam.naming import recording_stem

TITLE = "index of many recordings: time until usable, until all lengths are known, and per lookup"

LENGTH_S = 10
BOUND_INDEX_S, BOUND_LOOKUP_MS = 10.0, 1.0
LOOKUPS = 10_000
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
HOLE_EVERY = 1000


def run(say: Callable[[str], None], *, files: str = "100000", suffix: str = "opus") -> dict[str, Any]:
    """A folder with `files` recordings of 10 s, copies of one real file, with some holes between them.

    Raises NodeError if indexing with all lengths takes 10 s or longer, or a lookup 1 ms.
    """
    with tempfile.TemporaryDirectory() as folder:
        say(f"creating {files} recordings")
        _create(Path(folder) / "pond", int(files), suffix)
        say("indexing them")
        figures = asyncio.run(_measure(Path(folder) / "pond"))
    if figures["measured_s"] >= BOUND_INDEX_S or figures["lookup_p99_ms"] >= BOUND_LOOKUP_MS:
        raise NodeError(f"The index is too slow: {figures}.", hint="Run it on an idle machine.")
    return {"files": int(files), "suffix": suffix, **figures}


def _create(folder: Path, files: int, suffix: str) -> None:
    folder.mkdir()
    sample = folder / f"sample.{suffix}"
    tone = ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={LENGTH_S}"]
    codec = {"opus": "libopus", "ogg": "libvorbis", "flac": "flac", "wav": "pcm_s16le"}[suffix]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *tone, "-c:a", codec, str(sample)], check=True)
    content = sample.read_bytes()
    sample.unlink()
    for number in range(files):
        start = BEGIN + timedelta(seconds=number * LENGTH_S + 60 * (number // HOLE_EVERY))
        descriptor = os.open(folder / f"{recording_stem('pond', start)}.{suffix}", os.O_CREAT | os.O_WRONLY)
        os.write(descriptor, content)
        os.close(descriptor)


async def _measure(folder: Path) -> dict[str, Any]:
    databases = RecordingDatabases([SourceSettings(name="pond", url="x.wav", path_database=folder)])
    database = databases.find("pond")
    before_mb, began_s = _memory_mb(), time.perf_counter()
    running = asyncio.create_task(databases.run())
    await database.ready.wait()
    ready_s = time.perf_counter() - began_s
    await database.measured.wait()
    measured_s = time.perf_counter() - began_s
    memory_mb = _memory_mb() - before_mb
    first, last = min(database.index).start_s, max(database.index).start_s
    draw, lookups_ms = random.Random(1), list[float]()
    for _ in range(LOOKUPS):
        wanted_s = draw.uniform(first, last)
        asked_s = time.perf_counter()
        first_passage(database.index, wanted_s)
        lookups_ms.append((time.perf_counter() - asked_s) * 1000)
    asked_s = time.perf_counter()
    answer = await databases.answer()
    answer_ms = (time.perf_counter() - asked_s) * 1000
    followed_ms = await _arrive(database)
    running.cancel()
    lookups_ms.sort()
    return {
        "usable_s": ready_s,
        "measured_s": measured_s,
        "lookup_p50_ms": lookups_ms[LOOKUPS // 2],
        "lookup_p99_ms": lookups_ms[LOOKUPS * 99 // 100],
        "answer_ms": answer_ms,
        "periods": len(answer.database["pond"].database),
        "followed_ms": followed_ms,
        "memory_mb": memory_mb,
    }


async def _arrive(database: RecordingDatabase) -> float:
    """Milliseconds until a new recording is indexed with its length."""
    known = database.path(next(iter(database.index)))
    arrived = known.with_name(f"{recording_stem('pond', BEGIN - timedelta(days=1))}{known.suffix}")
    began_s = time.perf_counter()
    await asyncio.to_thread(shutil.copy, known, arrived)
    while arrived.name not in database.index.lengths_s:  # noqa: ASYNC110  the index offers nothing to wait for
        await asyncio.sleep(0.001)
    return (time.perf_counter() - began_s) * 1000


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
