"""The composition root of open-set training: annotations, windows, embeddings, recognizer, evaluation and bundle."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidzam.audio.files import audio_length
from tidzam.bundle import Bundle, BundleManifest, read_bundle, read_manifest
from tidzam.embeddings.cache import EmbeddingCache
from tidzam.embeddings.network import EmbeddingNetwork, open_embedding_network
from tidzam.embeddings.windows import UnreadableAudio, embed_windows
from tidzam.errors import AudioError, DatasetError
from tidzam.inference.engine_records import EngineRecords
from tidzam.progress import Progress, Say, no_progress
from tidzam.text import plural, shown
from trainer.openset.annotations import Annotation, Assignment, assigned, day_of, read_annotations
from trainer.openset.export import export_recognizer
from trainer.openset.labeled_windows import LabeledWindow, files_by_use, label_windows, tags_in
from trainer.openset.learning import EmbeddedWindows, TrainedTags, choose_tags, evaluate_tags, learn, tested
from trainer.openset.report import TrainingReport, write_report
from trainer.openset.synthetic import synthetic_embeddings
from trainer.openset.unannotated import without_unannotated_calls

MAX_BACKGROUND = 1000
"""Windows of background that are used for training, and as many for tests."""


@dataclass(frozen=True, kw_only=True)
class OpenSetOptions:
    """What a recognizer is made of and where it is written.

    `table` has the annotations, `recordings` further files for background. `tags` are those to recognize; without any,
    all that occur often enough. If the annotations are `incomplete`, background for training that resembles a tag is
    left out. `home` is the node's home, whose cache keeps embeddings.
    """

    table: Path
    base: Path
    out: Path
    name: str
    tags: tuple[str, ...] = ()
    assignment: Assignment = field(default_factory=lambda: Assignment({}))
    recordings: Path | None = None
    parent: str | None = None
    most_false_alarms_per_day: float | None = None
    max_background: int = MAX_BACKGROUND
    incomplete: bool = False
    home: Path | None = None


def train_open_set(
    options: OpenSetOptions, *, say: Say, progress: Progress = no_progress
) -> tuple[Bundle, TrainingReport]:
    """Train a recognizer, evaluate it and write its bundle. `progress` counts windows whose embedding is known.

    Raises DatasetError if the annotations cannot be used, and the errors of `open_embedding_network`, `learn` and
    `export_recognizer`.
    """
    seconds: dict[str, float] = {}
    annotations = assigned(read_annotations(options.table), options.assignment, options.recordings)
    lengths_s, bad = file_lengths({one.path for one in annotations})
    base = read_bundle(options.base)
    window_s = base.manifest.input.window_s
    windows = label_windows(annotations, lengths_s, window_s, max_background=options.max_background)
    tags = choose_tags(windows, options.tags)
    say(_plan(windows, tags, base))
    with open_embedding_network(base, records=EngineRecords.in_home(options.home)) as network:
        with _timed(seconds, "embeddings"):
            cache = EmbeddingCache.in_home(options.home)
            found = embed_windows(network, [one.window for one in windows], cache, progress=progress)
            synthetic = synthetic_embeddings(network, cache)
        if found.bad and not len(found.rows):
            raise DatasetError("None of the annotated windows can be used.", hint=found.bad[0].reason)
        data = EmbeddedWindows(tuple(windows[row] for row in found.rows), found.values)
        with _timed(seconds, "training"):
            tags = choose_tags(data.windows, tags)
            if options.incomplete:
                data = without_unannotated_calls(data, tags)
            trained = learn(
                data,
                tags,
                window_s=window_s,
                most_false_alarms_per_day=options.most_false_alarms_per_day,
                synthetic=synthetic,
            )
        unreadable = (*bad, *found.bad)
        return _exported(options, network, trained, data, annotations, unreadable, seconds)


def file_lengths(paths: set[Path]) -> tuple[dict[Path, float], tuple[UnreadableAudio, ...]]:
    """The length in seconds of each audio file that can be read, and the others."""
    lengths_s: dict[Path, float] = {}
    bad = []
    for path in sorted(paths):
        try:
            frames, rate_hz = audio_length(path)
            lengths_s[path] = frames / rate_hz
        except AudioError as error:
            bad.append(UnreadableAudio(path, error.message))
    if paths and not lengths_s:
        raise DatasetError("None of the annotated files can be read.", hint=bad[0].reason)
    return lengths_s, tuple(bad)


def lineage(options: OpenSetOptions, annotations: Sequence[Annotation], data: EmbeddedWindows) -> dict[str, Any]:
    """What a recognizer was trained and tested on, for its manifest: files and days by use, windows by tag and use."""
    uses = sorted({one.use for one in data.windows})
    files = files_by_use(data.windows)
    days = {use: sorted({day for file in of_use if (day := day_of(Path(file)))}) for use, of_use in files.items()}
    return {
        "table": str(options.table),
        "annotations": sum(not one.is_background and one.use is not None for one in annotations),
        "files": {use: len(of_use) for use, of_use in files.items()},
        "days": days,
        "windows": {use: sum(one.use == use for one in data.windows) for use in uses},
        "tags": {use: tags_in(data.windows, use) for use in uses if not use.endswith("background")},
        "most_false_alarms_per_day": options.most_false_alarms_per_day,
    }


def _exported(
    options: OpenSetOptions,
    network: EmbeddingNetwork,
    trained: TrainedTags,
    data: EmbeddedWindows,
    annotations: Sequence[Annotation],
    bad: tuple[UnreadableAudio, ...],
    seconds: dict[str, float],
) -> tuple[Bundle, TrainingReport]:
    evaluation = evaluate_tags(data, trained, window_s=network.spec.window_s)
    rows = tested(data)
    reports: list[TrainingReport] = []

    def write_extras(folder: Path, _: BundleManifest) -> None:
        report = TrainingReport(
            manifest=read_manifest(folder),  # as others will read it: the version depends on the order of its keys
            windows=data.windows,
            trained=trained,
            evaluation=evaluation,
            tested=rows.windows,
            probabilities=trained.recognizer.layer.probabilities(rows.values),
            seconds=seconds,
            bad=bad,
        )
        write_report(folder, report)
        reports.append(report)

    export_recognizer(
        options.out,
        network,
        trained,
        name=options.name,
        parent=options.parent,
        data=lineage(options, annotations, data),
        accuracy={} if evaluation is None else {"test": evaluation.to_dict()},
        write_extras=write_extras,
    )
    return read_bundle(options.out), reports[0]


def _plan(windows: Sequence[LabeledWindow], tags: Sequence[str], base: Bundle) -> str:
    counts = tags_in(windows, "train")
    by_tag = ", ".join(f"{shown(tag)} {counts.get(tag, 0)}" for tag in tags)
    background = sum(one.use == "train-background" for one in windows)
    window = f"{base.manifest.input.window_s:g} s"
    return f"base {base.name}, windows of {window}: {by_tag}; {plural(background, 'background window')}"


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    began_s = time.monotonic()
    yield
    seconds[name] = time.monotonic() - began_s
