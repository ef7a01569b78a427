"""`python -m trainer openset`: open-set recognizers from annotations."""

from __future__ import annotations

import json
import math
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tidzam import terminal
from tidzam.bundle import Bundle, named_bundle
from tidzam.errors import ConfigError, TidzamError
from tidzam.jobs.reports import ReportWriter
from tidzam.labels import clean_label, require_label
from tidzam.log import set_up_logging
from tidzam.manifest_fields import NAME_PATTERN
from tidzam.paths import DEMO_BUNDLES, models_folder
from tidzam.progress import Progress
from tidzam.terminal import ProgressBar, progress_bar, say
from trainer.openset.annotations import USES, Assignment
from trainer.openset.app import MAX_BACKGROUND, OpenSetOptions, train_open_set
from trainer.openset.report import COLUMNS, TrainingReport, summary, table_rows
from trainer.output import is_free

FILES, RESULT = "Files (days as 2026-05-01, or patterns as 'pond-*.flac')", "Result"

Days = list[str] | None
ProgressJson = Annotated[
    bool,
    typer.Option(
        "--progress-json", help="Print progress, a summary and failures as a JSON object per line, for programs"
    ),
]
_EMBEDDINGS = 0.95
"""The share of the embeddings in a training."""


def openset(
    table: Annotated[Path, typer.Argument(help="Table of annotations: file, start, end, tag; also channel and use")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the bundle to write", rich_help_panel=RESULT)],
    base: Annotated[
        str,
        typer.Option(
            help="Bundle whose embeddings are used: the name of an installed model, or a folder",
            show_default="the selector of the demo",
        ),
    ] = str(DEMO_BUNDLES / "selector"),
    tag: Annotated[list[str] | None, typer.Option(help="Tag to recognize", show_default="all")] = None,
    train: Annotated[Days, typer.Option(help="Annotated files for training", rich_help_panel=FILES)] = None,
    test: Annotated[Days, typer.Option(help="Annotated files for the evaluation", rich_help_panel=FILES)] = None,
    train_background: Annotated[
        Days, typer.Option(help="Files whose sound, except annotations, is background", rich_help_panel=FILES)
    ] = None,
    test_background: Annotated[Days, typer.Option(help="The same for the evaluation", rich_help_panel=FILES)] = None,
    recordings: Annotated[
        Path | None, typer.Option(help="Folder with more files for background", rich_help_panel=FILES)
    ] = None,
    max_background: Annotated[
        int, typer.Option(min=0, help="Windows of background for training, and for the evaluation")
    ] = MAX_BACKGROUND,
    most_false_alarms: Annotated[
        float | None,
        typer.Option(
            "--most-false-alarms", min=0, help="False alarms of a tag per day of background", show_default="best F1"
        ),
    ] = None,
    incomplete: Annotated[
        bool,
        typer.Option("--incomplete", help="Not all calls are annotated: leave out background like them"),
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the classifier", show_default="the name of --out", rich_help_panel=RESULT),
    ] = None,
    parent: Annotated[
        str | None,
        typer.Option(help="Class that it refines", show_default="it runs on every window", rich_help_panel=RESULT),
    ] = None,
    home: Annotated[Path | None, typer.Option(help="The node's home, which keeps embeddings")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table")] = False,
    progress_json: ProgressJson = False,
) -> None:
    """Train recognizers of tags on the embeddings of a bundle; whatever they do not recognize is unknown."""
    set_up_logging("warning")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    patterns = {"train": train, "test": test, "train-background": train_background, "test-background": test_background}
    try:
        options = OpenSetOptions(
            table=table,
            base=base_bundle(base, home),
            out=out,
            name=name or out.name,
            tags=tuple(clean_label(one) for one in tag or ()),
            assignment=Assignment({use: tuple(days or ()) for use, days in patterns.items()}),  # type: ignore[misc]
            recordings=recordings,
            parent=None if parent is None else require_label(parent),
            most_false_alarms_per_day=most_false_alarms,
            max_background=max_background,
            incomplete=incomplete,
            home=home,
        )
        check_result(options)
        with progress_bar("computing embeddings", unit="windows") as bar:
            progress = _reported(ReportWriter()) if progress_json else _progress(bar)
            bundle, report = train_open_set(options, say=say, progress=progress)
    except KeyboardInterrupt:
        raise typer.Exit(terminal.INTERRUPTED) from None
    except TidzamError as error:
        if progress_json:
            ReportWriter().failure(error)
        say(str(error), program="trainer", style="red")
        raise typer.Exit(terminal.FAILED) from None
    if progress_json:
        ReportWriter().result(_result(bundle, report))
        return
    if as_json:
        print(json.dumps(report.to_dict(), indent=2))
        return
    _print(report)
    say(f"{bundle.folder}: version {bundle.manifest.version}")


def base_bundle(base: str, home: Path | None) -> Path:
    """The folder of the base: an installed model of that name, else the folder at that path.

    Raises BundleError (`model_missing`) if there is neither.
    """
    return named_bundle(models_folder(home), base)


def check_result(options: OpenSetOptions) -> None:
    """Raises ConfigError for a name that a bundle cannot have, or a folder that holds something else."""
    if re.fullmatch(NAME_PATTERN, options.name) is None:
        raise ConfigError(
            f"Invalid classifier name {options.name!r}.",
            hint="Use letters, digits, '.', '_' and '-' in --name.",
            field="name",
        )
    if not is_free(options.out):
        raise ConfigError(
            f"{options.out} exists and is not a bundle.",
            hint="Give --out a new folder, an empty folder or an existing bundle.",
            field="out",
        )


def _progress(bar: ProgressBar) -> Progress:
    """Progress as a bar; as a line for each tenth if there is no terminal."""
    shown = [0]

    def advance(done: int, total: int) -> None:
        bar(done, total)
        tenth = 10 * done // max(1, total)
        if not bar.visible and tenth > shown[0]:
            shown[0] = tenth
            say(f"embeddings of {done:,} of {total:,} windows")

    return advance


def _reported(writer: ReportWriter) -> Progress:
    """Progress as lines for a program. Almost all of the time is that of the embeddings."""
    writer.progress(0.0, "reading annotations")

    def advance(done: int, total: int) -> None:
        if done >= total:
            writer.progress(_EMBEDDINGS, "training and evaluating")
        else:
            writer.progress(_EMBEDDINGS * done / total, f"embeddings of {done:,} of {total:,} windows")

    return advance


def _result(bundle: Bundle, report: TrainingReport) -> dict[str, Any]:
    """What a program is interested in first; the rest is in the bundle."""
    found, manifest = report.evaluation, bundle.manifest
    return {
        "model": bundle.folder.name,
        "version": manifest.version,
        "tags": list(manifest.classes),
        "windows": {use: sum(one.use == use for one in report.windows) for use in USES},
        "macro_f1": None if found is None or not math.isfinite(found.macro_f1) else round(found.macro_f1, 4),
        "false_alarms_per_hour": None if found is None else found.false_alarms_per_hour,
        "seconds": round(sum(report.seconds.values()), 1),
    }


def _print(report: TrainingReport) -> None:
    console = Console()
    table = Table(title=report.manifest.name, title_justify="left", highlight=False)
    for number, column in enumerate(COLUMNS):
        table.add_column(column, justify="right" if number else "left")
    for row in table_rows(report):
        table.add_row(*row)
    console.print(table)
    if report.evaluation is not None:
        _print_confusion(console, report.evaluation.labels, report.evaluation.confusion.tolist())
        console.print(f"on the test data: {summary(report.evaluation)}", highlight=False)
    took = ", ".join(f"{name} {value:.1f} s" for name, value in report.seconds.items())
    console.print(took, highlight=False)
    for bad in report.bad:
        say(f"skipped: {bad.reason}")


def _print_confusion(console: Console, labels: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
    table = Table(title="true tag (rows), recognized (columns)", title_justify="left", highlight=False)
    for column in ("", *labels):
        table.add_column(column, justify="right" if column else "left")
    for label, row in zip(labels, counts, strict=True):
        table.add_row(label, *map(str, row))
    console.print(table)
