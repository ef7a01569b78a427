"""Clips into a dataset: decoded and analyzed on all cores, written in the order of the clips."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from database_tool.cutting import Cut, CutJob, Cutting, cut, jobs_of
from database_tool.provenance import with_step
from tidzam.clips import Clip
from tidzam.dataset import Dataset, DatasetWriter, Draft, Origin, require_same_features
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree
from tidzam.naming import parse_clip_name
from tidzam.parallel import in_order
from tidzam.progress import Progress, Say, no_progress
from tidzam.text import plural, shown


@dataclass(frozen=True, kw_only=True)
class CompileRequest:
    """What to compile, and how. The samples of `base` come first; `tree` has the labels that are allowed."""

    clips: Sequence[Clip]
    folder: Path
    cutting: Cutting
    base: Dataset | None = None
    tree: LabelTree | None = None
    source: str = ""
    strict: bool = False
    resume: bool = False
    processes: int = 1


@dataclass(frozen=True)
class CompileResult:
    """The dataset, the files that were left out with the reasons, and the files that could be read only in part."""

    dataset: Dataset
    skipped: tuple[tuple[str, str], ...]
    incomplete: tuple[str, ...] = ()


def compile_clips(request: CompileRequest, *, say: Say, advance: Progress = no_progress) -> CompileResult:
    """Compile clips into a dataset at `request.folder`.

    Files that cannot be read are reported, counted and left out; with `strict`, the first one is an error. Raises
    DatasetError also for a label that is not in the tree, a base with other features, and if no file can be read.
    """
    clips = _without_repeats(request.clips, say)
    draft = draft_of(request, clips)
    if request.base is not None:
        require_same_features(request.base.spec, request.cutting.spec, names=(request.base.name, "the new samples"))
    with DatasetWriter(request.folder, draft, job=_job(request, clips), resume=request.resume) as writer:
        if len(writer):
            say(f"resuming after {len(writer):,} samples")
        elif request.base is not None:
            writer.link(request.base)
        old = len(request.base) if request.base else 0
        _fill(writer, request, clips, _FileReports(writer, request, say), advance)
        if len(writer) == old:
            raise DatasetError("None of the files can be read.", hint="Replace them.", code="dataset_empty")
        skipped = tuple((note["skipped"], note["reason"]) for note in writer.notes if "skipped" in note)
        incomplete = tuple(note["incomplete"] for note in writer.notes if "incomplete" in note)
        step = {"source": request.source, "clips": len(clips), "samples": len(writer) - old, "skipped": len(skipped)}
        dataset = writer.finish(provenance=with_step(request.base, "compile", **step, files_left_out=skipped))
    return CompileResult(dataset, skipped, incomplete)


def draft_of(request: CompileRequest, clips: Iterable[Clip]) -> Draft:
    """Name, classes and labels of the dataset. Raises DatasetError for a label that is not in the tree."""
    old = request.base.classes if request.base else ()
    found = sorted({clip.label for clip in clips} - set(old))
    tree = request.tree or LabelTree.flat(tuple(found))
    outside = [label for label in found if label not in tree]
    if outside:
        raise DatasetError(
            f"Labels missing in the label tree: {', '.join(outside)}.",
            hint=f"It has {', '.join(tree)}. Add the missing ones.",
            code="dataset_labels",
        )
    labels = request.base.manifest.labels.merged(tree) if request.base else tree
    name = request.base.name if request.base else request.folder.name
    return Draft(name=name, spec=request.cutting.spec, classes=(*old, *found), labels=labels)


def _fill(
    writer: DatasetWriter, request: CompileRequest, clips: Sequence[Clip], reports: _FileReports, advance: Progress
) -> None:
    """Add the samples of all jobs from the writer's position on; the mark of a sample is the number of its job."""
    index = {label: number for number, label in enumerate(writer.classes)}
    mark, written = writer.position
    planned: list[CutJob] = []

    def submitted() -> Iterator[CutJob]:
        for job in islice(_jobs(clips, request.cutting), mark, None):
            planned.append(job)
            yield job

    for number, done in enumerate(in_order(cut, submitted(), processes=request.processes), start=mark):
        job = planned.pop(0)
        clip = clips[job.clip]
        reports.report(clip, done)
        for row, origin in enumerate(origins_of(clip, done)):
            if number > mark or row >= written:
                writer.add(done.features[row], index[clip.label], origin, mark=number)
        advance(job.clip + 1, len(clips))


def _jobs(clips: Sequence[Clip], cutting: Cutting) -> Iterator[CutJob]:
    for number, clip in enumerate(clips):
        yield from jobs_of(number, clip, cutting)


def origins_of(clip: Clip, done: Cut) -> Iterator[Origin]:
    """Where the samples of a job come from. Their time is known if the file name contains the file's start."""
    take = parse_clip_name(clip.path)
    path = str(clip.path.absolute())
    for offset_s, number in zip(done.offsets_s.tolist(), done.channels.tolist(), strict=True):
        channel = None if number < 0 else number
        if take is not None and take.channel is not None and channel in (None, 0):
            channel = take.channel  # an extracted clip is mono; its name has the channel it was extracted from
        time = take.time + timedelta(seconds=offset_s) if take else None
        yield Origin(path, offset_s, channel, time, clip.group)


class _FileReports:
    """Reports faults of files: each file that is left out, and each unexpected sample rate once."""

    def __init__(self, writer: DatasetWriter, request: CompileRequest, say: Say) -> None:
        self._writer, self._strict, self._say = writer, request.strict, say
        self._rate_hz = request.cutting.spec.rate_hz
        self._rates = {note["rate_hz"] for note in writer.notes if "rate_hz" in note}
        self._skipped = {note["skipped"] for note in writer.notes if "skipped" in note}
        self._incomplete = {note["incomplete"] for note in writer.notes if "incomplete" in note}

    def report(self, clip: Clip, done: Cut) -> None:
        """Raises DatasetError if the file cannot be read and `strict` is set."""
        if done.reason:
            if self._strict:
                raise DatasetError(
                    done.reason, hint="Repair or remove the file, or omit --strict.", code="dataset_strict"
                )
            path, reason = shown(clip.path), shown(done.reason)
            if path not in self._skipped:
                self._skipped.add(path)
                self._writer.note(skipped=path, reason=reason)
                self._say(f"left out: {reason}")
            return
        if done.incomplete and (path := shown(clip.path)) not in self._incomplete:
            self._incomplete.add(path)
            self._writer.note(incomplete=path)
        if done.rate_hz != self._rate_hz and done.rate_hz not in self._rates:
            self._rates.add(done.rate_hz)
            self._writer.note(rate_hz=done.rate_hz)
            self._say(_resampling(clip, done.rate_hz, self._rate_hz))


def _resampling(clip: Clip, rate_hz: int, wanted_hz: int) -> str:
    message = f"audio at {rate_hz} Hz is resampled to {wanted_hz} Hz (first file: {clip.path.name})"
    if rate_hz < wanted_hz:
        message += f"; it contains nothing above {rate_hz // 2} Hz, which a classifier may learn to recognize"
    return message


def _without_repeats(clips: Sequence[Clip], say: Say) -> list[Clip]:
    """The clips, each once. Reports repeats, and file names that occur in several folders."""
    unique = list(dict.fromkeys(clips))
    if repeats := len(clips) - len(unique):
        say(f"{plural(repeats, 'clip')} {'is' if repeats == 1 else 'are'} listed more than once and used once")
    homes = Counter(path.name for path in {clip.path for clip in unique})
    recurring = [name for name, count in homes.items() if count > 1]
    if recurring:
        say(
            f"{plural(len(recurring), 'file name')} {'occurs' if len(recurring) == 1 else 'occur'} in several folders "
            f"(first: {recurring[0]}): files of the same name count as one recording"
        )
    return unique


def _job(request: CompileRequest, clips: Sequence[Clip]) -> dict[str, Any]:
    """What identifies a run that can be resumed: the clips, the state of their files, and how they are cut."""
    digest = hashlib.sha256()
    for clip in clips:
        try:
            stat = clip.path.stat()
            state = f"{stat.st_size} {stat.st_mtime_ns}"
        except OSError:
            state = "away"
        digest.update(f"{clip!r} {state}\n".encode("utf-8", "surrogateescape"))
    return {
        "operation": "compile",
        "clips": digest.hexdigest(),
        "hop_s": request.cutting.hop_s,
        "channels": request.cutting.channels,
        "base": request.base.checksum if request.base else None,
    }
