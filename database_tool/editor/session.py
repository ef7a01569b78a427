"""A dataset that is being edited: its content on disk, and the edits made since it was opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from database_tool.editor.edits import Add, Content, Delete, Edit, Relabel, Sample, replay
from database_tool.operations import DELETED, relabel
from tidzam.dataset import Dataset, Origin, open_dataset
from tidzam.errors import DatasetError
from tidzam.progress import Progress, no_progress
from tidzam.types import Float32

REPORT_SAMPLES = 10_000
"""Samples that are searched between two reports of progress."""


class EditorSession:
    """Edits over an open dataset. Nothing on disk changes before `save`."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.content = self._begin()
        self.edits: list[Edit] = []
        self._undone: list[Edit] = []
        self._search: tuple[str, str, tuple[Sample, ...]] | None = None
        self._found = np.zeros(0, np.bool_)

    @classmethod
    def open(cls, folder: Path) -> EditorSession:
        """Open a dataset and read labels and origins into memory. Raises DatasetError."""
        dataset = open_dataset(folder)
        dataset.origins()
        return cls(dataset)

    def __len__(self) -> int:
        """The number of samples, including those that were deleted."""
        return len(self.content.labels)

    @property
    def unsaved(self) -> bool:
        return bool(self.edits)

    def apply(self, edit: Edit) -> None:
        """Apply an edit. Raises DatasetError (`dataset_edit`) and changes nothing if it is refused."""
        self.content = edit.apply(self.content)
        self.edits.append(edit)
        self._undone.clear()

    def undo(self) -> Edit | None:
        """Undo the last edit and return it; None if there is none."""
        if not self.edits:
            return None
        self._undone.append(self.edits.pop())
        self.content = replay(self._begin(), self.edits)
        return self._undone[-1]

    def redo(self) -> Edit | None:
        """Redo the last undone edit and return it; None if there is none."""
        if not self._undone:
            return None
        edit = self._undone.pop()
        self.content = edit.apply(self.content)
        self.edits.append(edit)
        return edit

    def features(self, samples: ArrayLike) -> Float32:
        """The features of k samples, float32 (k, frames, mels) in dB."""
        wanted = np.atleast_1d(np.asarray(samples, dtype=np.int64))
        own = wanted < len(self.dataset)
        found = np.empty((len(wanted), *self.dataset.spec.shape), np.float32)
        found[own] = self.dataset.features(wanted[own])
        for place in np.flatnonzero(~own):
            found[place] = self.content.added[int(wanted[place]) - len(self.dataset)].features
        return found

    def origin(self, sample: int) -> Origin:
        """Where a sample comes from."""
        own = len(self.dataset)
        return self.dataset.origins()[sample] if sample < own else self.content.added[sample - own].origin

    def matching(self, text: str, *, advance: Progress = no_progress) -> NDArray[np.bool_]:
        """Whether file, recording or time of each sample contains `text`, in any case; bool (n,). Cached."""
        key = (text, self.dataset.checksum, self.content.added)
        if key != self._search:
            found = np.zeros(len(self), np.bool_)
            for sample in range(len(self)):
                origin = self.origin(sample)
                found[sample] = text.lower() in f"{origin.file}\n{origin.group}\n{origin.time or ''}".lower()
                if not sample % REPORT_SAMPLES:
                    advance(sample, len(self))
            self._search, self._found = key, found
        return self._found

    def save(self, folder: Path | None = None, *, advance: Progress = no_progress) -> Dataset:
        """Write the edited dataset to `folder`, or in place of the old one, and continue with it. Clears the history.

        Raises DatasetError if it cannot be written, if `folder` exists, or if another program changed the dataset
        meanwhile. Nothing on disk changes then, and no edit is lost.
        """
        if open_dataset(self.dataset.folder).checksum != self.dataset.checksum:
            raise DatasetError(
                f"{self.dataset.folder} was changed by another program since it was opened; nothing was saved.",
                hint="Open it again and repeat your edits.",
                code="dataset_changed",
            )
        if folder is not None and folder.exists() and not folder.samefile(self.dataset.folder):
            raise DatasetError(
                f"{folder} exists; nothing was saved.", hint="Choose a new folder.", code="dataset_place"
            )
        try:
            saved = self._write(folder or self.dataset.folder, advance)
        except DatasetError as error:
            if error.code != "dataset_write":
                raise
            hint = "No edit is lost: make room and save again, or save to another folder."
            raise DatasetError(error.message, hint=hint, code=error.code) from None
        saved.origins()
        self.dataset, self.edits, self._undone = saved, [], []
        self.content = self._begin()
        return saved

    def _write(self, folder: Path, advance: Progress) -> Dataset:
        content, own = self.content, len(self.dataset)
        added = zip(content.added, content.labels[own:].tolist(), strict=True)
        return relabel(
            self.dataset,
            content.labels[:own],
            folder,
            classes=content.classes,
            tree=content.tree,
            added=[(sample.features, label, sample.origin) for sample, label in added if label != DELETED],
            operation="edit",
            details=_summary(self.edits),
            advance=advance,
        )

    def _begin(self) -> Content:
        dataset = self.dataset
        return Content(dataset.classes, dataset.manifest.labels, dataset.labels)


def _summary(edits: list[Edit]) -> dict[str, Any]:
    """The edits for the provenance: how many samples each kind changed, and what became of classes."""
    touched = {"moved": 0, "deleted": 0, "added": 0}
    names = {Relabel: "moved", Delete: "deleted", Add: "added"}
    of_classes = []
    for edit in edits:
        if isinstance(edit, Relabel | Delete | Add):
            touched[names[type(edit)]] += len(edit.samples)
        else:
            of_classes.append(str(edit))
    return {**touched, "classes": of_classes}
