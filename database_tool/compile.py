"""Clips into a dataset: decoded and worked out on all cores, written in the order of the clips."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from database_tool.cutting import Cut, Cutting, Piece, cut, pieces_of
from database_tool.provenance import with_step
from database_tool.terminal import printable
from tidzam.clips import Clip, parse_clip_name
from tidzam.dataset import Dataset, DatasetWriter, Draft, Origin, require_same_features
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree
from tidzam.parallel import in_order
from tidzam.progress import Progress, no_progress

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be compiled, and how. `base` is a dataset whose samples come first; `tree` are the labels allowed."""

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
class Compiled:
    """The dataset, the files that were left out with the reasons, and those that could only be read in part."""

    dataset: Dataset
    skipped: tuple[tuple[str, str], ...]
    incomplete: tuple[str, ...] = ()


def compile_clips(request: Request, *, say: Say, advance: Progress = no_progress) -> Compiled:
    """Compile clips into a dataset at `request.folder`.

    Files that cannot be read are told, counted and left out; `strict` makes the first an error. Raises DatasetError
    also for a label outside the tree, a base of other features, and if there is nothing at all to be read.
    """
    clips = _once_each(request.clips, say)
    draft = draft_of(request, clips)
    if request.base is not None:
        require_same_features(
            request.base.spec, request.cutting.spec, names=(request.base.name, "what is to be added to it")
        )
    with DatasetWriter(request.folder, draft, job=_job(request, clips), resume=request.resume) as writer:
        if len(writer):
            say(f"going on after {len(writer):,} samples")
        elif request.base is not None:
            writer.link(request.base)
        old = len(request.base) if request.base else 0
        _fill(writer, request, clips, _Teller(writer, request, say), advance)
        if len(writer) == old:
            raise DatasetError("None of the files can be read.", hint="Replace them.", code="dataset_empty")
        skipped = tuple((note["skipped"], note["reason"]) for note in writer.notes if "skipped" in note)
        incomplete = tuple(note["incomplete"] for note in writer.notes if "incomplete" in note)
        step = {"source": request.source, "clips": len(clips), "samples": len(writer) - old, "skipped": len(skipped)}
        dataset = writer.finish(provenance=with_step(request.base, "compile", **step, files_left_out=skipped))
    return Compiled(dataset, skipped, incomplete)


def draft_of(request: Request, clips: Iterable[Clip]) -> Draft:
    """Name, classes and labels of what is to be compiled. Raises DatasetError for a label outside the tree."""
    old = request.base.classes if request.base else ()
    found = sorted({clip.label for clip in clips} - set(old))
    tree = request.tree or LabelTree.flat(tuple(found))
    outside = [label for label in found if label not in tree]
    if outside:
        raise DatasetError(
            f"The label tree has no {', '.join(outside)}.", hint=f"It has: {', '.join(tree)}.", code="dataset_labels"
        )
    labels = request.base.manifest.labels.merged(tree) if request.base else tree
    name = request.base.name if request.base else request.folder.name
    return Draft(name=name, spec=request.cutting.spec, classes=(*old, *found), labels=labels)


def _fill(writer: DatasetWriter, request: Request, clips: Sequence[Clip], teller: _Teller, advance: Progress) -> None:
    """Add the samples of all pieces from the writer's position on; a sample's mark is its piece's number."""
    index = {label: number for number, label in enumerate(writer.classes)}
    mark, written = writer.position
    pieces = islice(_pieces(clips, request.cutting), mark, None)
    planned: list[Piece] = []

    def jobs() -> Iterator[Piece]:
        for piece in pieces:
            planned.append(piece)
            yield piece

    for number, done in enumerate(in_order(cut, jobs(), processes=request.processes), start=mark):
        piece = planned.pop(0)
        clip = clips[piece.clip]
        teller.look_at(clip, done)
        for row, origin in enumerate(origins_of(clip, done)):
            if number > mark or row >= written:
                writer.add(done.features[row], index[clip.label], origin, mark=number)
        advance(piece.clip + 1, len(clips))


def _pieces(clips: Sequence[Clip], cutting: Cutting) -> Iterator[Piece]:
    for number, clip in enumerate(clips):
        yield from pieces_of(number, clip, cutting)


def origins_of(clip: Clip, done: Cut) -> Iterator[Origin]:
    """Where the samples of a piece come from. The moment is known if the file's name tells when it begins."""
    take = parse_clip_name(clip.path)
    path = str(clip.path.absolute())
    for offset_s, number in zip(done.offsets_s.tolist(), done.channels.tolist(), strict=True):
        channel = None if number < 0 else number
        if take is not None and take.channel is not None and channel in (None, 0):
            channel = take.channel  # a kept clip is mono: its name tells which channel it was
        moment = take.time + timedelta(seconds=offset_s) if take else None
        yield Origin(path, offset_s, channel, moment, clip.group)


class _Teller:
    """Says what is odd about files: each that is left out, each rate once."""

    def __init__(self, writer: DatasetWriter, request: Request, say: Say) -> None:
        self._writer, self._strict, self._say = writer, request.strict, say
        self._rate_hz = request.cutting.spec.rate_hz
        self._rates_told = {note["rate_hz"] for note in writer.notes if "rate_hz" in note}
        self._skipped = {note["skipped"] for note in writer.notes if "skipped" in note}
        self._incomplete = {note["incomplete"] for note in writer.notes if "incomplete" in note}

    def look_at(self, clip: Clip, done: Cut) -> None:
        """Raises DatasetError if a file cannot be read, and that is to end it all."""
        if done.reason:
            if self._strict:
                raise DatasetError(done.reason, hint="Mend or remove it, or leave --strict out.", code="dataset_strict")
            path, reason = printable(str(clip.path)), printable(done.reason)
            if path not in self._skipped:
                self._skipped.add(path)
                self._writer.note(skipped=path, reason=reason)
                self._say(f"left out: {reason}")
            return
        if done.incomplete and (path := printable(str(clip.path))) not in self._incomplete:
            self._incomplete.add(path)
            self._writer.note(incomplete=path)
        if done.rate_hz != self._rate_hz and done.rate_hz not in self._rates_told:
            self._rates_told.add(done.rate_hz)
            self._writer.note(rate_hz=done.rate_hz)
            self._say(_of_rate(clip, done.rate_hz, self._rate_hz))


def _of_rate(clip: Clip, rate_hz: int, wanted_hz: int) -> str:
    told = f"sound of {rate_hz} Hz is brought to {wanted_hz} Hz ({clip.path.name} is the first)"
    if rate_hz < wanted_hz:
        told += f"; it has nothing above {rate_hz // 2} Hz, and a classifier may learn that"
    return told


def _once_each(clips: Sequence[Clip], say: Say) -> list[Clip]:
    """The clips without those that are listed twice. Says that, and which names recur in other folders."""
    unique = list(dict.fromkeys(clips))
    if len(unique) < len(clips):
        say(f"clips that are listed twice are taken once: {len(clips) - len(unique):,}")
    homes = Counter(path.name for path in {clip.path for clip in unique})
    recurring = [name for name, count in homes.items() if count > 1]
    if recurring:
        say(
            f"files in several folders have the same name ({recurring[0]} is the first of {len(recurring):,}): "
            "those of one name count as one recording"
        )
    return unique


def _job(request: Request, clips: Sequence[Clip]) -> dict[str, Any]:
    """What tells this run from another one: the clips, their files as they are, and how they are cut."""
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
