"""Writing a dataset, whole or not at all: shard by shard, so that a killed run can be resumed."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from tidzam.atomic import swap_in
from tidzam.audio.features import FeatureSpec
from tidzam.dataset.arrays import LABELS, level_fault, read_array
from tidzam.dataset.journal import JOURNAL, Journal, JournalEntry
from tidzam.dataset.manifest import NAME, ORIGINS, SHARDS, DatasetManifest, Shard, write_manifest
from tidzam.dataset.origins import HEADER, Origin, write_row
from tidzam.dataset.reader import Dataset, Int32, open_dataset
from tidzam.dataset.shards import link_shard, write_shard
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree
from tidzam.manifest_fields import entry_of
from tidzam.types import Float32

SHARD_BYTES = 64 << 20
"""Features in a shard: what a writer holds in memory."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A dataset before its samples are written. Raises DatasetError (`dataset_name`) for an unfit name."""

    name: str
    spec: FeatureSpec
    classes: tuple[str, ...]
    labels: LabelTree

    def __post_init__(self) -> None:
        if not re.fullmatch(NAME, self.name):
            raise DatasetError(
                f"Invalid name of a dataset: {self.name!r}.",
                hint="Use letters from A to z, digits, and _ . - between them.",
                code="dataset_name",
            )

    @classmethod
    def like(cls, dataset: Dataset, *, name: str | None = None) -> Draft:
        """Features, classes and labels of another one."""
        manifest = dataset.manifest
        return cls(name=name or manifest.name, spec=manifest.features, classes=manifest.classes, labels=manifest.labels)


class DatasetWriter:
    """Writes into `.NAME-writing` beside `folder`; `finish` replaces `folder` by it.

    Without `finish`, after an error or a signal, `folder` stays as it was, and the complete shards are kept: a writer
    of the same `job` with `resume` continues after them. `position` is where it continues: a `mark` passed to `add`
    (such as the number of a file), and the number of samples of that mark that are written already. Without a `job`
    nothing is kept.

    Raises DatasetError: `dataset_busy` if another process writes there, `dataset_write` if the disk is full or fails,
    `dataset_place` if something else is at `folder`, `dataset_resume` if the unfinished run was of another job.
    """

    def __init__(
        self,
        folder: Path,
        draft: Draft,
        *,
        job: Mapping[str, Any] | None = None,
        resume: bool = False,
        shard_bytes: int = SHARD_BYTES,
    ) -> None:
        self.folder = folder.resolve()  # the target of a link: the new dataset stays on that disk
        self.position = (0, 0)
        self.notes: list[dict[str, Any]] = []
        self._draft, self._job, self._resume = draft, job, resume
        self._writing = self.folder.with_name(f".{self.folder.name}-writing")
        spec = draft.spec
        self._capacity = max(1, shard_bytes // (4 * spec.n_frames * spec.n_mels))
        self._journal = Journal(self._writing, {**_identity(draft), "samples": self._capacity, "job": dict(job or {})})
        self._shards: list[Shard] = []
        self._noted = self._held = 0
        self._features: Float32 = np.empty((0, *spec.shape), np.float32)
        self._labels: Int32 = np.empty(0, np.int32)
        self._finished = False
        self._lock = -1
        self._origins: IO[str]

    def __enter__(self) -> Self:
        if self.folder.exists() and not (self.folder / SHARDS).is_dir() and not _is_empty(self.folder):
            raise DatasetError(
                f"{self.folder} already exists and is not a dataset.",
                hint="Specify a new or empty folder, or a dataset to replace.",
                code="dataset_place",
            )
        with self._os_errors():
            self._writing.mkdir(parents=True, exist_ok=True)
            try:
                self._take_lock()
                if not (self._resume and self._resume_run()):
                    self._begin()
            except BaseException:
                self._close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        if not self._finished and not self._kept:
            shutil.rmtree(self._writing, ignore_errors=True)

    def __len__(self) -> int:
        return sum(shard.samples for shard in self._shards) + self._held

    @property
    def classes(self) -> tuple[str, ...]:
        return self._draft.classes

    def add(self, features: Float32, label: int, origin: Origin, mark: int = 0) -> None:
        """Add a sample: features (frames, mels) in dB, its index among the classes, and where it comes from."""
        if not len(self._features):
            self._features = np.empty((self._capacity, *self._draft.spec.shape), np.float32)
            self._labels = np.empty(self._capacity, np.int32)
        if features.shape != self._draft.spec.shape or not 0 <= label < len(self._draft.classes):
            raise DatasetError(
                f"Sample does not fit dataset {self._draft.name}: shape {features.shape}, label {label}; "
                f"expected shape {self._draft.spec.shape}, label 0-{len(self._draft.classes) - 1}.",
                code="dataset_features",
            )
        self._features[self._held] = features
        self._labels[self._held] = label
        self._held += 1
        self.position = (mark, self.position[1] + 1 if mark == self.position[0] else 1)
        with self._os_errors():
            write_row(self._origins, origin.row())
            if self._held == self._capacity:
                self._flush()

    def note(self, **values: Any) -> None:
        """Keep a note with the samples so far, such as a file that was left out. It outlasts a killed run."""
        self.notes.append(values)

    def link(self, dataset: Dataset, labels: Int32 | None = None) -> None:
        """Take over all samples of a dataset of the same features, without copying them.

        `labels` (n,) are their classes here, if they are not the same numbers there. Only before the first `add`.
        """
        own, _ = dataset.labels, dataset.origins()  # reading them reports what is wrong, before anything is copied
        if labels is not None and labels.shape != own.shape:
            raise ValueError(f"{len(labels)} labels for {len(own)} samples")
        with self._os_errors():
            first, linked, start = len(self._shards), list[Shard](), 0
            for shard in dataset.manifest.shards:
                new = None if labels is None else labels[start : start + shard.samples].astype(np.int32)
                linked.append(link_shard(dataset.folder, shard, self._writing, first + len(linked), new))
                start += shard.samples
            with (dataset.folder / ORIGINS).open(encoding="utf-8", errors="surrogateescape", newline="") as rows:
                next(rows)
                shutil.copyfileobj(rows, self._origins)
            self._note(linked)

    def finish(self, *, provenance: Mapping[str, Any], statistics: Mapping[str, Any] | None = None) -> Dataset:
        """Write the last samples and the manifest, and put the dataset in place. Returns it, open."""
        with self._os_errors():
            if self._held:
                self._flush()
            self._origins.close()
            draft = self._draft
            manifest = DatasetManifest(
                name=draft.name,
                features=draft.spec,
                classes=draft.classes,
                labels=draft.labels,
                counts=self._counts(),
                origins=entry_of(self._writing / ORIGINS),
                shards=tuple(self._shards),
                statistics=dict(statistics or {}),
                provenance=dict(provenance),
            )
            write_manifest(self._writing, manifest)
            (self._writing / JOURNAL).unlink()
            swap_in(self._writing, self.folder)
        self._finished = True
        return open_dataset(self.folder)

    @property
    def _kept(self) -> int:
        """The number of samples after which a run of the same job can continue."""
        return sum(shard.samples for shard in self._shards) if self._job is not None else 0

    def _take_lock(self) -> None:
        self._lock = os.open(self._writing, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatasetError(
                f"Another process is writing {self.folder}.", hint="Wait for it to finish.", code="dataset_busy"
            ) from None

    def _close(self) -> None:
        if hasattr(self, "_origins"):
            with suppress(OSError):  # the disk is full, which was reported already
                self._origins.close()
        with suppress(OSError):
            self._journal.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _begin(self) -> None:
        """Delete what an unfinished run may have left, and start."""
        for path in self._writing.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        (self._writing / SHARDS).mkdir()
        self._journal.begin()
        self._origins = self._open_origins("w")
        write_row(self._origins, HEADER)

    def _resume_run(self) -> bool:
        """Continue an unfinished run of this job. Returns whether there is one."""
        if not (self._writing / JOURNAL).is_file():
            return False
        steps = self._journal.resume()
        if steps is None:
            raise DatasetError(
                f"The unfinished run of {self.folder} had other options, or other files.",
                hint="Repeat its command with --resume, or omit --resume to start again.",
                code="dataset_resume",
            )
        if not steps:
            return False
        self._shards = [shard for step in steps for shard in step.shards]
        self.notes = [note for step in steps for note in step.notes]
        self._noted = len(self.notes)
        self.position = (steps[-1].mark, steps[-1].of_mark)
        os.truncate(self._writing / ORIGINS, steps[-1].origins_bytes)
        self._origins = self._open_origins("a")
        return True

    def _open_origins(self, mode: str) -> IO[str]:
        file = (self._writing / ORIGINS).open(mode, encoding="utf-8", errors="surrogateescape", newline="")
        return file

    def _flush(self) -> None:
        features, labels = self._features[: self._held], self._labels[: self._held]
        if fault := level_fault(features):
            raise DatasetError(f"Invalid features: {fault}.", code="dataset_features")
        shard = write_shard(self._writing, len(self._shards), features, labels)
        self._held = 0
        self._note([shard])

    def _note(self, shards: Sequence[Shard]) -> None:
        """Record complete shards, all or none, after the origins of their samples: a killed run resumes there."""
        self._origins.flush()
        size, (mark, of_mark) = os.fstat(self._origins.fileno()).st_size, self.position
        fresh, self._noted = tuple(self.notes[self._noted :]), len(self.notes)
        self._journal.note(
            JournalEntry(shards=tuple(shards), origins_bytes=size, mark=mark, of_mark=of_mark, notes=fresh)
        )
        self._shards += shards

    def _counts(self) -> dict[str, int]:
        counts = np.zeros(len(self._draft.classes), np.int64)
        for shard in self._shards:
            labels = read_array(self._writing / SHARDS / shard.labels.name, LABELS, (shard.samples,))
            counts += np.bincount(labels, minlength=len(counts))
        return dict(zip(self._draft.classes, counts.tolist(), strict=True))

    @contextmanager
    def _os_errors(self) -> Iterator[None]:
        """Convert an OSError, of a disk that is full or fails, to a DatasetError."""
        try:
            yield
        except OSError as error:
            raise DatasetError(
                f"{self.folder} cannot be written: {error.strerror}. The existing files are unchanged.",
                hint=f"Free disk space and repeat the command with --resume: {self._kept:,} samples are kept."
                if self._kept
                else "Free disk space, or name another folder.",
                code="dataset_write",
            ) from None


def _identity(draft: Draft) -> dict[str, Any]:
    """The properties that an unfinished run and the run that resumes it must share."""
    return {
        "name": draft.name,
        "features": draft.spec.to_dict(),
        "classes": list(draft.classes),
        "labels": dict(draft.labels.parents),
    }


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
