"""A dataset that is being edited: it on disk, and what a person decided since."""

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

STEP = 10_000
"""Samples that are searched between two words of how far it is."""


class EditorSession:
    """Edits over an open dataset. Nothing on disk changes before `save`."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.content = self._begin()
        self.edits: list[Edit] = []
        self._undone: list[Edit] = []
        self._sought: tuple[str, str, tuple[Sample, ...]] | None = None
        self._found = np.zeros(0, np.bool_)

    @classmethod
    def open(cls, folder: Path) -> EditorSession:
        """Open a dataset and read what is kept of it in memory: labels and origins. Raises DatasetError."""
        dataset = open_dataset(folder)
        dataset.origins()
        return cls(dataset)

    def __len__(self) -> int:
        """Samples, with those that were deleted."""
        return len(self.content.labels)

    @property
    def unsaved(self) -> bool:
        return bool(self.edits)

    def do(self, edit: Edit) -> None:
        """Raises DatasetError (`dataset_edit`) if it cannot be done; nothing has changed then."""
        self.content = edit.apply(self.content)
        self.edits.append(edit)
        self._undone.clear()

    def undo(self) -> Edit | None:
        """Take the last edit back, and return it; None if there is none."""
        if not self.edits:
            return None
        self._undone.append(self.edits.pop())
        self.content = replay(self._begin(), self.edits)
        return self._undone[-1]

    def redo(self) -> Edit | None:
        """Do again what was undone last, and return it; None if there is nothing."""
        if not self._undone:
            return None
        edit = self._undone.pop()
        self.content = edit.apply(self.content)
        self.edits.append(edit)
        return edit

    def features(self, samples: ArrayLike) -> Float32:
        """Float32 (k, frames, mels) in dB."""
        wanted = np.atleast_1d(np.asarray(samples, dtype=np.int64))
        own = wanted < len(self.dataset)
        found = np.empty((len(wanted), *self.dataset.spec.shape), np.float32)
        found[own] = self.dataset.features(wanted[own])
        for place in np.flatnonzero(~own):
            found[place] = self.content.added[int(wanted[place]) - len(self.dataset)].features
        return found

    def origin(self, sample: int) -> Origin:
        own = len(self.dataset)
        return self.dataset.origins()[sample] if sample < own else self.content.added[sample - own].origin

    def holding(self, words: str, *, advance: Progress = no_progress) -> NDArray[np.bool_]:
        """Of each sample, whether its file, recording or time holds `words`; (n,), not worked out twice."""
        known = (words, self.dataset.checksum, self.content.added)
        if known != self._sought:
            found = np.zeros(len(self), np.bool_)
            for sample in range(len(self)):
                origin = self.origin(sample)
                found[sample] = words.lower() in f"{origin.file}\n{origin.group}\n{origin.time or ''}".lower()
                if not sample % STEP:
                    advance(sample, len(self))
            self._sought, self._found = known, found
        return self._found

    def save(self, folder: Path | None = None, *, advance: Progress = no_progress) -> Dataset:
        """Write what is left at `folder`, or in the dataset's place, and go on with that, which it returns.

        Undoing ends here.

        Raises DatasetError if it cannot be written, if something else is at `folder`, or if somebody else changed the
        dataset meanwhile. Then what is on disk and all edits stay as they are.
        """
        if open_dataset(self.dataset.folder).checksum != self.dataset.checksum:
            raise DatasetError(
                f"{self.dataset.folder} was changed by somebody else since it was opened; nothing is saved.",
                hint="Open it again and repeat your edits: what they were made on is gone.",
                code="dataset_changed",
            )
        if folder is not None and folder.exists() and not folder.samefile(self.dataset.folder):
            raise DatasetError(
                f"Something is at {folder} already; nothing is saved.", hint="Name a new folder.", code="dataset_place"
            )
        try:
            saved = self._write(folder or self.dataset.folder, advance)
        except DatasetError as error:
            if error.code != "dataset_write":
                raise
            hint = "Your edits are all here: make room and save again, or save elsewhere."
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
    """What a provenance says of edits: how many samples each kind touched, and what became of classes."""
    touched = {"moved": 0, "deleted": 0, "added": 0}
    names = {Relabel: "moved", Delete: "deleted", Add: "added"}
    of_classes = []
    for edit in edits:
        if isinstance(edit, Relabel | Delete | Add):
            touched[names[type(edit)]] += len(edit.samples)
        else:
            of_classes.append(str(edit))
    return {**touched, "classes": of_classes}
