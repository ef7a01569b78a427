"""`engine: auto`: which engine runs a bundle fastest on this machine."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tidzam.bundle import Bundle
from tidzam.config.inference import AUTO_ENGINE, DEFAULT_ENGINE, ENGINES
from tidzam.inference.engine_records import EngineRecords, record_key
from tidzam.inference.engines import engine_for, find_engine, library_version
from tidzam.inference.trial import time_networks

log = logging.getLogger(__name__)

_ADVANTAGE: Final = 0.9
"""An engine replaces one that comes before it if it takes at most this share of its time: times vary."""


@dataclass(frozen=True)
class EngineChoice:
    """The engine that runs a bundle, and the milliseconds per window of those that were timed."""

    engine: str
    ms_per_window: Mapping[str, float] = field(default_factory=dict)


def choose_engines(
    bundles: Sequence[Bundle], engine: str, *, threads: int, batch: int, records: EngineRecords
) -> list[EngineChoice]:
    """The choice for each bundle: the engine of `engine_for`, or, for `auto`, the fastest one.

    Those that can run a bundle are timed on this machine, on `threads` threads and `batch` windows at once, each in a
    process of its own. Their file is in the bundle, and their library is installed. If there is only one, nothing is
    timed; nor if `records` hold the times of this bundle, with these libraries, threads and batch.
    Raises ConfigError if there is no such engine.
    """
    if engine != AUTO_ENGINE:
        return [EngineChoice(engine_for(bundle.manifest.files, engine)) for bundle in bundles]
    versions = {name: library_version(find_engine(name)) for name in ENGINES.names()}
    able = [_able(bundle, [name for name, version in versions.items() if version]) for bundle in bundles]
    keys = [
        record_key(
            "times",
            bundle=bundle.manifest.model_dump(mode="json"),
            engines={name: versions[name] for name in names},
            threads=threads,
            batch=batch,
        )
        for bundle, names in zip(bundles, able, strict=True)
    ]
    times = [_known_times(records.get(key), names) for key, names in zip(keys, able, strict=True)]
    unknown = [number for number, names in enumerate(able) if len(names) > 1 and times[number] is None]
    for number, found in _timed(bundles, able, unknown, threads=threads, batch=batch).items():
        times[number] = found
    records.put({keys[number]: times[number] for number in unknown})
    choices = [
        EngineChoice(fastest(found) if found else _only(bundle, names), found or {})
        for bundle, names, found in zip(bundles, able, times, strict=True)
    ]
    for bundle, choice in zip(bundles, choices, strict=True):
        log.info("classifier %s runs on %s%s", bundle.name, choice.engine, _of(choice))
    return choices


def fastest(ms_per_window: Mapping[str, float]) -> str:
    """The engine that takes the least time, or one of the earlier ones if that takes hardly more. Pure.

    >>> fastest({"onnx": 1.0, "litert": 0.95, "keras": 2.0})
    'onnx'
    >>> fastest({"onnx": 1.0, "litert": 0.5, "keras": 0.48})
    'litert'
    """
    best, *others = ms_per_window
    for name in others:
        if ms_per_window[name] <= _ADVANTAGE * ms_per_window[best]:
            best = name
    return best


def _able(bundle: Bundle, installed: Sequence[str]) -> list[str]:
    return [name for name in installed if find_engine(name).file_format in bundle.manifest.files]


def _only(bundle: Bundle, able: Sequence[str]) -> str:
    """The engine of a bundle without times: the only one, or the one whose error names what is missing."""
    return able[0] if able else engine_for(bundle.manifest.files, DEFAULT_ENGINE)


def _timed(
    bundles: Sequence[Bundle], able: Sequence[Sequence[str]], numbers: Sequence[int], *, threads: int, batch: int
) -> dict[int, dict[str, float]]:
    """The times of the bundles with these numbers. Engines that cannot run one are left out."""
    found: dict[int, dict[str, float]] = {number: {} for number in numbers}
    for name in ENGINES.names():
        wanted = [number for number in numbers if name in able[number]]
        if not wanted:
            continue
        log.info("timing the engine %s; this is done once", name)
        times = time_networks([bundles[number] for number in wanted], name, threads=threads, windows=batch)
        for number, ms_per_window in zip(wanted, times, strict=True):
            if ms_per_window is not None:
                found[number][name] = round(ms_per_window, 4)
    return found


def _known_times(record: Any, able: Sequence[str]) -> dict[str, float] | None:
    """The times in a record, in the order of the engines; None if it holds none."""
    if not isinstance(record, dict) or not all(isinstance(ms, float | int) and ms > 0 for ms in record.values()):
        return None
    return {name: float(record[name]) for name in able if name in record} or None


def _of(choice: EngineChoice) -> str:
    if not choice.ms_per_window:
        return ""
    times = ", ".join(f"{name} {ms:.3f}" for name, ms in choice.ms_per_window.items())
    return f" (ms per window: {times})"
