"""The selector and the experts under it: which runs on which window, and their joint probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.waveform import required_rate
from tidzam.bundle import BundleManifest
from tidzam.bundle.hierarchy import merged_labels, ordered
from tidzam.inference.engines import Network
from tidzam.inference.input_cache import InputCache
from tidzam.inference.longer_windows import Handover, LongerWindows, Rows, RunInterval
from tidzam.inference.output_check import OutputCheck
from tidzam.inference.prediction import Prediction, WindowNotes, present
from tidzam.labels import UNKNOWN
from tidzam.results import LongerWindow
from tidzam.types import Float32

_MOST_RATES: Final = 256


@dataclass(frozen=True)
class Classifier:
    """A bundle's manifest and its loaded network."""

    manifest: BundleManifest
    network: Network

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def window_s(self) -> float:
        return self.manifest.input.window_s


class Cascade:
    """Classifiers joined to a tree: an expert is placed under the class that it refines, to any depth.

    Several experts may refine one class. `classifiers` are ordered parents first, the roots at the head; `labels` is
    the tree of all of them, and `classes` their outputs, parents before children.

    Probabilities multiply down the tree. With q(c) the output of a class c, given its parent, and p its joint
    probability:

        p(c) = q(c) · p(parent of c),   p(c) = q(c) for a root

    Each classifier e with children C of a class n leaves a part of n to none of them:

        r(e, n) = 1 - Σ q(c)     if its classes exclude one another (softmax)
        r(e, n) = Π (1 - q(c))   if they do not (sigmoid): the probability that no independent event occurs

    with c in C. The remainder of n is what all of them leave, p(n) · Π r(e, n) over e. So, with one softmax classifier
    below n, the children of n and its remainder sum to p(n); in general, the union of the children and the remainder
    do. A cascade that stops half way, at `birds`, is as certain as the remainder of `birds` is large.

    Windows are as long as the shortest of the classifiers'. A classifier with longer ones runs less often, and its
    outputs are carried in between (`tidzam.inference.longer_windows`): its classes are its last outputs times the
    present probability of their parents.
    """

    def __init__(self, classifiers: Iterable[Classifier], *, gate: float = 0.05) -> None:
        """Raises BundleError: `bundle_cascade` if names do not form a tree, `bundle_features` if windows differ by
        more than a factor of 100."""
        self.classifiers = order(tuple(classifiers))
        self.gate = gate
        self.labels = merged_labels(one.manifest for one in self.classifiers)
        self.classes = tuple(
            label
            for classifier in self.classifiers
            for label in sorted(classifier.manifest.classes, key=lambda label: len(self.labels.path(label)))
        )
        self.thresholds = {k: v for classifier in self.classifiers for k, v in classifier.manifest.thresholds.items()}
        self.output_check = OutputCheck()
        self._columns = {label: column for column, label in enumerate(self.classes)}
        self._parents = {label: self._parent_column(label) for label in self.classes}
        self._groups = {classifier.name: self._group(classifier) for classifier in self.classifiers}
        self.specs = frozenset(classifier.manifest.input for classifier in self.classifiers)
        self._longer = frozenset(one.name for one in self.classifiers if one.window_s > self.window_s)
        self._lacking: dict[int, tuple[str, ...]] = {}

    @property
    def window_s(self) -> float:
        """The length of its windows: the shortest ones of its classifiers."""
        return min(classifier.window_s for classifier in self.classifiers)

    @property
    def longest_window_s(self) -> float:
        """The length of the longest windows of its classifiers."""
        return max(classifier.window_s for classifier in self.classifiers)

    @property
    def has_longer_windows(self) -> bool:
        """Whether some of its classifiers have longer windows than others."""
        return bool(self._longer)

    @property
    def longer_windows(self) -> dict[str, LongerWindow]:
        """The classes of the classifiers with longer windows than others."""
        longer = [one for one in self.classifiers if one.name in self._longer]
        found = [(one.manifest.classes, LongerWindow(one.name, one.window_s - self.window_s)) for one in longer]
        return {label: window for classes, window in found for label in classes}

    def handover(self) -> Handover:
        """For what the analysis of one step of windows leaves to that of the next."""
        return Handover(self._longer)

    def predict(self, windows: Float32, rate_hz: int) -> list[dict[str, float]]:
        """The probabilities of `classify`, for sources that have every band."""
        return [found.probabilities for found in self.classify(windows, rate_hz)]

    def classify(
        self,
        windows: Float32,
        rate_hz: int,
        source_rates_hz: Sequence[int | None] = (),
        *,
        hidden: NDArray[np.bool_] | None = None,
        longer: LongerWindows | None = None,
        inputs: InputCache | None = None,
    ) -> list[Prediction]:
        """The predictions of every classifier that ran on windows (n, frames) at `rate_hz`.

        A child's joint probability is its classifier's output times its parent's joint probability. An expert runs
        on the windows whose parent class reaches `gate`; its classes are absent from the others. So are those of a
        classifier that is left out, and of the experts under it. `source_rates_hz` holds the rate of each window's
        source, None if that is unknown; it may be empty. `hidden`, shape (n, len(self.classes)), marks the classes that
        are left out of the result of each window (`tidzam.inference.species_range`). `longer` is the sound for the
        classifiers with longer windows, which do not run without it. `inputs` are those of the same windows, if others
        share them.
        """
        inputs = inputs or InputCache(windows, rate_hz, self.specs, longer=longer)
        joint = np.full((len(windows), len(self.classes)), np.nan, dtype=np.float32)
        remainders = np.full((len(windows), len(self.classes) + 1), np.nan, dtype=np.float32)  # the last: of the roots
        notes = [WindowNotes(self.lacking_band(rate)) for rate in source_rates_hz or [None] * len(windows)]
        for classifier in self.classifiers:
            lacking = [row for row, note in enumerate(notes) if classifier.name in note.left_out]
            rows = np.setdiff1d(self._rows(classifier, joint), lacking, assume_unique=True)
            if classifier.name in self._longer:
                outputs, rows = self._carried(classifier, inputs, rows, notes)
            else:
                outputs, rows = self._run(classifier, inputs, rows, notes)
            if len(rows):
                self._multiply(classifier, outputs, joint, rows)
                self._leave(classifier, outputs, joint, remainders, rows, hidden)
        if hidden is not None:
            joint[hidden] = np.nan
            remainders[:, :-1][hidden] = np.nan
        nodes = (*self.classes, UNKNOWN)
        return [
            Prediction(present(self.classes, row), note.left_out, present(nodes, rest), note.ages_s, note.waiting)
            for row, note, rest in zip(joint.tolist(), notes, remainders.tolist(), strict=True)
        ]

    def _run(
        self, classifier: Classifier, inputs: InputCache, rows: Rows, notes: Sequence[WindowNotes]
    ) -> tuple[Float32, Rows]:
        """The outputs (m, classes) of a classifier on the m of `rows` where it works, and those rows."""
        classes = len(classifier.manifest.classes)
        if not len(rows):
            return np.empty((0, classes), np.float32), rows
        seen = inputs.of(classifier.manifest.input, rows)
        outputs, fine = self.output_check.outputs(classifier.name, classifier.network, seen, classes)
        for row in rows[~fine]:
            notes[row].left_out += (classifier.name,)
        return outputs, rows[fine]

    def _carried(
        self, classifier: Classifier, inputs: InputCache, rows: Rows, notes: Sequence[WindowNotes]
    ) -> tuple[Float32, Rows]:
        """`_run` for a classifier with longer windows: its outputs on `rows`, some carried from earlier windows."""
        longer, name = inputs.longer, classifier.name
        if longer is None:
            return self._run(classifier, inputs, rows[:0], notes)
        interval = self._interval(classifier, inputs.rate_hz, longer.window, longer.hop)
        plan = longer.plan(name, interval, rows)
        found, fine = self._run(classifier, inputs, plan.rows, notes)
        longer.after.results(name).set_result(dict(zip(fine.tolist(), found, strict=True)))
        outputs = {row: values for row, run in plan.used.items() if (values := run.outputs()) is not None}
        for row, run in plan.used.items():
            if row in outputs and (age := longer.age_frames(row, run)):
                notes[row].ages_s[name] = age / inputs.rate_hz
            elif row not in outputs and name not in notes[row].left_out:
                notes[row].left_out += (name,)
        for row in plan.waiting.tolist():
            if name not in notes[row].left_out:
                notes[row].waiting += (name,)
        stacked = np.array([*outputs.values()], np.float32).reshape(-1, len(classifier.manifest.classes))
        return stacked, np.array([*outputs], dtype=np.intp)

    def _interval(self, classifier: Classifier, rate_hz: int, window: int, hop: int) -> RunInterval:
        return RunInterval.of(classifier.window_s, self.window_s, rate_hz=rate_hz, window=window, hop=hop)

    def lacking_band(self, source_rate_hz: int | None) -> tuple[str, ...]:
        """The classifiers that need a band that a source of this rate lacks; none if the rate is unknown."""
        if source_rate_hz is None:
            return ()
        known = self._lacking.get(source_rate_hz)
        if known is None:
            known = tuple(c.name for c in self.classifiers if source_rate_hz < required_rate(c.manifest.input))
            if len(self._lacking) < _MOST_RATES:
                self._lacking[source_rate_hz] = known
        return known

    def _rows(self, classifier: Classifier, joint: Float32) -> Rows:
        """The windows that `classifier` is to run on."""
        if classifier.manifest.is_root:
            return np.arange(len(joint))
        return np.flatnonzero(joint[:, self._columns[classifier.manifest.place]] >= self.gate)

    def _multiply(self, classifier: Classifier, outputs: Float32, joint: Float32, rows: Rows) -> None:
        """Write the outputs (len(rows), classes) of `classifier` to `joint`, each times the value of its parent."""
        for parent, columns, numbers in self._groups[classifier.name]:
            values = outputs[:, numbers]
            joint[rows[:, None], columns] = values if parent is None else values * joint[rows, parent][:, None]

    def _leave(
        self,
        classifier: Classifier,
        outputs: Float32,
        joint: Float32,
        remainders: Float32,
        rows: Rows,
        hidden: NDArray[np.bool_] | None,
    ) -> None:
        """Multiply the remainders of the classes that `classifier` has children of by what it leaves of them.

        Hidden children count as part of the remainder.
        """
        for parent, columns, numbers in self._groups[classifier.name]:
            shares = outputs[:, numbers]
            if hidden is not None:
                shares = np.where(hidden[rows][:, columns], np.float32(0), shares)
            if classifier.manifest.activation == "softmax":
                rest = np.clip(1 - shares.sum(axis=1), 0, 1)
            else:
                rest = (1 - shares).prod(axis=1)
            column = -1 if parent is None else parent
            whole = np.float32(1) if parent is None else joint[rows, parent]
            before = remainders[rows, column]
            remainders[rows, column] = np.where(np.isnan(before), whole, before) * rest

    def _group(self, classifier: Classifier) -> list[tuple[int | None, Rows, Rows]]:
        """A classifier's classes by their parents, parents first: the parent's column, and the column and the output
        of each class."""
        outputs = {label: number for number, label in enumerate(classifier.manifest.classes)}
        groups: dict[int | None, list[str]] = {}
        for label in sorted(outputs, key=self._columns.__getitem__):
            groups.setdefault(self._parents[label], []).append(label)
        return [
            (
                parent,
                np.array([self._columns[label] for label in labels]),
                np.array([outputs[label] for label in labels]),
            )
            for parent, labels in groups.items()
        ]

    def _parent_column(self, label: str) -> int | None:
        """The column of the nearest ancestor of `label` that is a class of some classifier."""
        ancestors = reversed(self.labels.path(label)[:-1])
        return next((self._columns[ancestor] for ancestor in ancestors if ancestor in self._columns), None)


def order(classifiers: tuple[Classifier, ...]) -> tuple[Classifier, ...]:
    """`classifiers`, the roots first and every expert after its parent.

    Raises BundleError if they do not form a cascade.
    """
    ranks = {manifest.name: rank for rank, manifest in enumerate(ordered(one.manifest for one in classifiers))}
    return tuple(sorted(classifiers, key=lambda classifier: ranks[classifier.name]))
