"""`bench dataset`: compiling from FLAC, random reading of a dataset larger than memory, and a million windows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import soundfile

from benchmarks.feeder import synthetic_blocks
from benchmarks.memory_limit import drop_cache, memory_limit
from database_tool.compile import CompileRequest, compile_clips
from database_tool.cutting import CutJob, Cutting, cut, jobs_of
from tidzam.audio.features import FeatureSpec
from tidzam.clips import find_clips
from tidzam.dataset import Dataset, DatasetWriter, Draft, Origin, open_dataset
from tidzam.errors import NodeError
from tidzam.labels import LabelTree
from tidzam.parallel import in_order
from tidzam.progress import Say

TITLE = "windows per second compiled from FLAC; random reading of more than memory holds; a million windows in 1 GB"

PROCESSES = 2
FILES, FILE_S = 300, 60
RATE_HZ = 44100
ROUNDS = 3

LIMIT_BYTES = 512 << 20
LARGE_WINDOWS = 100_000
"""21 kB each: four times the memory that its reader is allowed."""
READ_ROUNDS = 7

MILLION = 1_000_000
SMALL = FeatureSpec(rate_hz=8000, window_s=0.5, fft_length=256, hop_length=120, n_mels=32, fmax_hz=4000)
"""Four kilobytes per window: a million take four gigabytes."""
CLASSES = tuple(f"class-{number}" for number in range(10))
A_RECORDING = 20


def run(say: Say) -> dict[str, Any]:
    """Takes some minutes and 20 GB of disk, in the temporary folder (TMPDIR)."""
    with tempfile.TemporaryDirectory(prefix="tidzam-dataset-") as temporary:
        work = Path(temporary)
        figures = {**_compiling(work / "compile", say), **_reading(work / "read", say)}
        return {**figures, **_million(work / "million", say)}


def _compiling(work: Path, say: Say) -> dict[str, Any]:
    """Windows per second into a dataset, against decoding and feature extraction alone."""
    say(f"writing {FILES} FLAC files of {FILE_S} s")
    folder = _write_flac(work / "sound")
    clips, cutting = find_clips(folder), Cutting(spec=FeatureSpec(), hop_s=1.0)
    jobs = [job for number, clip in enumerate(clips) for job in jobs_of(number, clip, cutting)]
    request = CompileRequest(clips=clips, folder=work / "compiled", cutting=cutting, processes=PROCESSES)
    windows, alone, compiled = len(clips) * FILE_S, list[float](), list[float]()
    for number in range(ROUNDS):
        say(f"decoding and extracting alone, then compiling: round {number + 1} of {ROUNDS}")
        alone.append(windows / _timed(lambda: sum(in_order(_work_alone, jobs, processes=PROCESSES))))
        compiled.append(windows / _timed(lambda: compile_clips(request, say=lambda _: None)))
    return {
        "compiled_windows_s": round(median(compiled)),
        "decode_extract_alone_windows_s": round(median(alone)),
        "compile_ratio": _ratio(compiled, alone),
    }


def _work_alone(job: CutJob) -> int:
    """Decode a job and work out its features, and leave them there."""
    return len(cut(job).features)


def _write_flac(folder: Path) -> Path:
    """Files from different positions of a looped soundscape; each is written once, and linked."""
    blocks = synthetic_blocks(RATE_HZ, RATE_HZ // 10)
    for number in range(FILES):
        path = folder / f"class-{number % 5}" / f"{number:04d}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        first = folder / f"class-{number % 5}" / f"{number % 5:04d}.flac"
        if number >= 5:
            path.hardlink_to(first)
            continue
        samples = np.resize(np.roll(blocks, 7 * number, axis=0).ravel(), FILE_S * RATE_HZ)
        soundfile.write(path, samples, RATE_HZ, subtype="PCM_16")
    return folder


def _reading(work: Path, say: Say) -> dict[str, Any]:
    """Batches from anywhere against everything in order, where memory holds a fourth of it."""
    dataset = write_dataset(work / "large", LARGE_WINDOWS, FeatureSpec(), say)
    found: dict[str, list[float]] = {"shards": [], "sequential": [], "random": []}
    with memory_limit(LIMIT_BYTES) as group:
        kind = "control group" if group else "none can be set here: each sample read once, from the disk"
        for number in range(READ_ROUNDS):
            say(f"reading whole shards, batches in order, batches at random: round {number + 1} of {READ_ROUNDS}")
            for how, rates in found.items():
                rates.append(_read(dataset, how, group))
    return {
        "read_memory_limit": f"{LIMIT_BYTES >> 20} MiB, {kind}",
        "read_dataset_gb": round(sum(shard.features.size_bytes for shard in dataset.manifest.shards) / 1e9, 2),
        **{f"{how}_windows_s": round(median(rates)) for how, rates in found.items()},
        "random_to_sequential": _ratio(found["random"], found["sequential"]),
        "random_to_shards": _ratio(found["random"], found["shards"]),
    }


def _read(dataset: Dataset, how: str, group: Path | None) -> float:
    """Windows per second of a separate process, from a cold cache."""
    drop_cache(dataset.folder)
    argv = [
        sys.executable,
        "-m",
        "benchmarks.read_throughput",
        str(dataset.folder),
        how,
        *([str(group)] if group else []),
    ]
    return float(_finish(argv)[0])


def _million(work: Path, say: Say) -> dict[str, Any]:
    """Merge, randomize and split a million windows with the program itself, and see what memory that took."""
    half = MILLION // 2
    for number, name in enumerate(("one", "other")):
        write_dataset(work / name, half, SMALL, say, first=number * half)
    figures: dict[str, Any] = {"million_gb": round(4e-9 * MILLION * SMALL.n_frames * SMALL.n_mels, 2)}
    for command, *arguments in (("merge", "other"), ("randomize",), ("split", "--share=0.2", "--name=test")):
        say(f"{command}: a million windows")
        places = [str(work / one) if one == "other" else one for one in arguments]
        argv = [sys.executable, "-m", "database_tool", command, str(work / "one"), *places, "--json"]
        began_s = time.perf_counter()
        _, peak_bytes = _finish(argv)
        figures[f"{command}_s"] = round(time.perf_counter() - began_s, 1)
        figures[f"{command}_peak_mb"] = round(peak_bytes / 1e6)
    say("looking for every window")
    figures["windows_lost"] = MILLION - _distinct([work / "one", work / "test"])
    return figures


def write_dataset(folder: Path, windows: int, spec: FeatureSpec, say: Say, *, first: int = 0) -> Dataset:
    """A dataset of noise; the first value of a window is its number, from `first` on."""
    say(f"writing {windows:,} windows")
    draft = Draft(name=folder.name, spec=spec, classes=CLASSES, labels=LabelTree.flat(CLASSES))
    noise = np.random.default_rng(0).uniform(-100, 0, (997, *spec.shape)).astype(np.float32)
    with DatasetWriter(folder, draft) as writer:
        for number in range(first, first + windows):
            features, recording = noise[number % len(noise)], number // A_RECORDING
            features[0, 0] = number
            origin = Origin(f"/sound/{recording}.flac", number % A_RECORDING, None, None, f"{recording}")
            writer.add(features, recording % len(CLASSES), origin)
        return writer.finish(provenance={})


def _distinct(folders: Sequence[Path]) -> int:
    """How many different windows datasets hold together, each of which must be in its right class."""
    seen = np.zeros(MILLION, np.bool_)
    for folder in folders:
        for chunk in open_dataset(folder).chunks():
            numbers = chunk.features[:, 0, 0].astype(np.int64)
            seen[numbers[numbers // A_RECORDING % len(CLASSES) == chunk.labels]] = True
    return int(seen.sum())


def _finish(argv: Sequence[str]) -> tuple[str, int]:
    """What a program prints, and its peak resident memory in bytes. Raises NodeError if it fails."""
    root = Path(__file__).parents[1]
    program = subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    printed = program.stdout.read()
    _, status, usage = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    program.stdout.close()
    if program.returncode:
        raise NodeError(f"{' '.join(argv)} ended with {program.returncode}.", hint="Its message is above.")
    return printed, 1024 * usage.ru_maxrss


def _timed(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios round by round, so that a machine that is slower for a while is so for both."""
    return round(median(one / other for one, other in zip(ours, theirs, strict=True)), 3)
