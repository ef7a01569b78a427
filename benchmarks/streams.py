"""Many permanent sources at once, each with its mounts: what they cost, and whether killed players harm others."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import socketio
import soundfile

from benchmarks.feeder import synthetic_blocks
from benchmarks.harness import wait_for
from benchmarks.process_costs import Cost, child_pids, costs, encoder_of, player_of, read_processes
from tests.support.eventually import eventually
from tests.support.icecast import icecast_server
from tests.support.jack import jack_server
from tests.support.manager import Manager
from tidzam.errors import NodeError

TITLE = "40 permanent sources and one of 30 channels, with their mounts: restarts, gaps, cost; healing after kill -9"

RATE_HZ = 44100
PERIOD = 2048
PORT_MAX = 2048
GROWTH = (1, 10, 20, 40)
BIG = "big"
HEALED_WITHIN_S = 10.0
_LOAD_WITHIN_S = 60.0
_SETTLE_S = 5.0
_STOP_WITHIN_S = 60.0


@dataclass(frozen=True)
class Counts:
    """How often a source was restarted, and how often its audio was interrupted."""

    restarts: int
    gaps: int


@dataclass(frozen=True)
class Healing:
    """A player that was killed: the seconds until its source played again, and the other sources that were affected."""

    source: str
    seconds: float
    affected: frozenset[str]


def run(
    say: Callable[[str], None],
    *,
    minutes: str = "10",
    sources: str = "40",
    channels: str = "30",
    kills: str = "10",
    seed: str = "1",
    step_s: str = "20",
    codec: str = "vorbis",
    mounts: str = "always",
) -> dict[str, Any]:
    """Load `sources` permanent files of one channel step by step, and one of `channels` channels (0 for none). Watch
    them for `minutes` while `kills` players are killed at random times. Nobody listens to the mounts.

    Costs are processor time in percent of one core, and proportional set size; `growth` has those at each step, over
    `step_s` seconds.
    Raises NodeError if the sources do not play.
    """
    names = [f"s{number}" for number in range(int(sources))]
    with tempfile.TemporaryDirectory() as folder:
        folder_path = Path(folder)
        small = write_sound(folder_path / "small.flac", 1)
        with _stream_manager(folder_path, {"codec": codec, "mounts": mounts}) as manager:
            growth = []
            for count in (*(step for step in GROWTH if step < len(names)), len(names)):
                _load(manager, dict.fromkeys(names[:count], small), say)
                growth.append({"sources": count, **_cost_of_each(manager, names[:count], float(step_s))})
            if int(channels):
                _load(manager, {BIG: write_sound(folder_path / "big.wav", int(channels))}, say)
                names.append(BIG)
            say(f"watching {len(names)} sources for {minutes} minutes, with {kills} players killed")
            watched = _watch(manager, names, 60 * float(minutes), int(kills), int(seed), say)
            watched["stopped_s"] = round(_stop(manager), 1)
    return {"codec": codec, "mounts": mounts, "channels": int(sources) + int(channels), **watched, "growth": growth}


def write_sound(path: Path, channels: int) -> Path:
    """A file to repeat without end, each channel a different part of the synthetic soundscape."""
    blocks = synthetic_blocks(RATE_HZ, PERIOD)
    rows = [np.roll(blocks, channel * len(blocks) // channels, axis=0).reshape(-1) for channel in range(channels)]
    soundfile.write(path, np.stack(rows, axis=1), RATE_HZ, subtype="PCM_16")
    return path


@contextmanager
def _stream_manager(folder: Path, icecast: Mapping[str, str]) -> Iterator[Manager]:
    with jack_server(rate_hz=RATE_HZ, period=PERIOD, port_max=PORT_MAX) as jack, icecast_server(folder) as server:
        place = {"host": server.settings.host, "port": server.settings.port}
        limits = {"max_client_sources": 1000, "max_permanent_sources": 1000, "media_roots": [str(folder)]}
        manager = Manager(folder, jack, server, [], limits, sections={"icecast": {**place, **icecast}})
        try:
            yield manager
        finally:
            _stop(manager)


def _stop(manager: Manager) -> float:
    """End the stream manager, which closes the JACK clients of all sources; the seconds that it took."""
    began_s = time.monotonic()
    manager.process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        manager.process.wait(_STOP_WITHIN_S)
    manager.stop()
    return time.monotonic() - began_s


def _load(manager: Manager, files: Mapping[str, Path], say: Callable[[str], None]) -> None:
    """Load those of `files` that are not loaded yet, and wait until all play and can be listened to."""
    wait_for(lambda: manager.health()["detail"].get("jack"), "The stream manager did not start.")
    loaded = counts_of(manager)
    wanted = {name: path for name, path in files.items() if name not in loaded}
    say(f"loading {len(wanted)} sources")
    asyncio.run(_request(manager.url, wanted))
    wait_for(lambda: manager.health()["ok"], "Not all sources play.", within_s=_LOAD_WITHIN_S)
    time.sleep(_SETTLE_S)


async def _request(url: str, files: Mapping[str, Path]) -> None:
    async with socketio.AsyncSimpleClient() as client:
        await client.connect(url)
        for name, path in files.items():
            source = {"name": name, "url": str(path), "loop": True, "is_permanent": True}
            answer = await client.call("sys", {"sys": {"loadsource": source}}, timeout=60)
            if not answer["ok"]:
                raise NodeError(answer["error"]["message"])


def counts_of(manager: Manager) -> dict[str, Counts]:
    """The counts of each source."""
    rows = manager.health()["detail"]["sources"]
    return {row["name"]: Counts(row["restarts"], row["gaps"]) for row in rows}


def changed(before: Mapping[str, Counts], after: Mapping[str, Counts]) -> frozenset[str]:
    """The sources whose counts differ, and those that are gone."""
    return frozenset(name for name, counts in before.items() if after.get(name) != counts)


def kill_times(kills: int, seconds: float, *, seed: int) -> list[float]:
    """Random times within `seconds`, one in the first half of each of `kills` equal parts: the rest is for healing."""
    choice = random.Random(seed)
    part_s = seconds / max(1, kills)
    return [part_s * (number + choice.random() / 2) for number in range(kills)]


def _roots(manager: Manager) -> dict[str, int]:
    return {"stream_manager": manager.process.pid, "jackd": manager.jack.pid, "icecast": manager.icecast.pid}


def _cost_of_each(manager: Manager, names: Sequence[str], seconds: float) -> dict[str, Any]:
    """The mean cost of each of these sources over `seconds`, and that of the servers for all of them."""
    before, began_s = read_processes(_roots(manager), names), time.monotonic()
    time.sleep(seconds)
    took_s = time.monotonic() - began_s
    return _figures(costs(before, read_processes(_roots(manager), names), took_s), names)


def _figures(found: Mapping[str, Cost], names: Sequence[str]) -> dict[str, Any]:
    """The cost of everything, the mean player and encoder of one channel, those of the big source, and the servers."""
    small = [name for name in names if name != BIG]
    figures = {"total": sum(found.values(), Cost())}
    for role, group in (("player", player_of), ("encoder", encoder_of)):
        figures[role] = sum((found.get(group(name), Cost()) for name in small), Cost()).per(len(small))
        if BIG in names:
            figures[f"{BIG}_{role}"] = found.get(group(BIG), Cost())
    figures |= {name: found[name] for name in ("stream_manager", "jackd", "icecast")}
    return {name: cost.rounded() for name, cost in figures.items()}


def _watch(
    manager: Manager, names: Sequence[str], seconds: float, kills: int, seed: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """The figures of `seconds` during which players are killed."""
    victims = random.Random(seed).sample(list(names), min(kills, len(names)))
    encoders = _encoders(manager, names)
    counts, reading, began_s = counts_of(manager), read_processes(_roots(manager), names), time.monotonic()
    healings = []
    for victim, at_s in zip(victims, kill_times(len(victims), seconds, seed=seed), strict=True):
        time.sleep(max(0.0, began_s + at_s - time.monotonic()))
        healings.append(_kill(manager, victim))
        say(f"{victim} was killed and played again after {healings[-1].seconds:.1f} s")
    time.sleep(max(0.0, began_s + seconds - time.monotonic()))
    took_s = time.monotonic() - began_s
    found = costs(reading, read_processes(_roots(manager), names), took_s)
    unforced = changed(counts, counts_of(manager)) - set(victims)
    replaced = [name for name, pids in _encoders(manager, names).items() if pids != encoders[name]]
    return {
        "seconds": round(took_s),
        "sources": len(names),
        **_verdict(manager, healings, unforced, replaced),
    } | _figures(found, names)


def _verdict(
    manager: Manager, healings: Sequence[Healing], unforced: frozenset[str], replaced: Sequence[str]
) -> dict[str, Any]:
    seconds = [healing.seconds for healing in healings]
    affected = frozenset().union(*(healing.affected for healing in healings))
    counts = counts_of(manager)
    extra = sum(max(0, counts[healing.source].restarts - 1) for healing in healings)
    well = manager.health()["ok"]
    in_time = all(one <= HEALED_WITHIN_S for one in seconds)
    return {
        "sources_with_unforced_restarts_or_gaps": len(unforced),
        "unforced_restarts_of_killed_sources": extra,
        "replaced_encoders": len(replaced),
        "killed": len(healings),
        "healed_s_median": round(statistics.median(seconds), 1) if seconds else None,
        "healed_s_max": round(max(seconds), 1) if seconds else None,
        "others_affected_by_kills": len(affected),
        "all_well_at_the_end": well,
        "within_bounds": well and in_time and not (unforced or affected or extra or replaced),
    }


def _encoders(manager: Manager, names: Sequence[str]) -> dict[str, set[int]]:
    return {name: {child.pid for child in manager.running("ffmpeg", name)} for name in names}


def _kill(manager: Manager, name: str) -> Healing:
    """Kill the player of a source, and wait until it plays again, at most for twice the allowed time."""
    before = counts_of(manager)
    began_s = time.monotonic()
    for pid in child_pids(manager.process.pid, name) - _encoders(manager, [name])[name]:
        os.kill(pid, signal.SIGKILL)

    def has_healed() -> bool:
        row = manager.source(name)
        return bool(row) and row["restarts"] > before[name].restarts and row["state"] == "playing"

    with suppress(TimeoutError):
        eventually(has_healed, within_s=2 * HEALED_WITHIN_S)
    seconds = time.monotonic() - began_s
    return Healing(name, seconds, changed(before, counts_of(manager)) - {name})


if __name__ == "__main__":
    print(run(print))
