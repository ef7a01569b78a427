"""`python -m trainer novelty`: novelty bundles from unlabeled audio."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Annotated

import typer

from tidzam import terminal
from tidzam.audio.features import FeatureSpec
from tidzam.bundle import named_bundle
from tidzam.errors import ConfigError, TidzamError
from tidzam.log import set_up_logging
from tidzam.manifest_fields import NAME_PATTERN
from tidzam.paths import models_folder
from tidzam.terminal import progress_bar, say
from trainer.novelty.app import (
    EXPECTED_ANOMALIES,
    MOST_ANOMALIES,
    MOST_WINDOWS,
    NoveltyOptions,
    NoveltyReport,
    train_novelty,
)
from trainer.novelty.forest import SAMPLES, TREES, ForestOptions
from trainer.output import is_free

VECTORS, THRESHOLD, FOREST = "Vectors (what a forest sees of a window)", "Threshold", "Forest"
_DEFAULTS = FeatureSpec()


def novelty(
    dataset_train: Annotated[
        list[Path], typer.Option("-d", "--dataset-train", help="Folder of unlabeled audio, or a file. Repeatable.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the bundle to write")],
    base: Annotated[
        str | None,
        typer.Option(
            help="Bundle whose embeddings are used: the name of an installed model, or a folder",
            show_default="statistics of the spectrogram",
            rich_help_panel=VECTORS,
        ),
    ] = None,
    features: Annotated[
        bool, typer.Option("--features", help="Use statistics of the spectrogram (default)", rich_help_panel=VECTORS)
    ] = False,
    window_s: Annotated[
        float, typer.Option(min=0.1, max=60, help="Length of a window for --features", rich_help_panel=VECTORS)
    ] = _DEFAULTS.window_s,
    rate_hz: Annotated[
        int,
        typer.Option(min=4000, max=192_000, help="Sample rate for --features, in Hz", rich_help_panel=VECTORS),
    ] = _DEFAULTS.rate_hz,
    expected_anomalies: Annotated[
        float,
        typer.Option(
            min=1e-6, max=MOST_ANOMALIES, help="Share of the audio that is unusual", rich_help_panel=THRESHOLD
        ),
    ] = EXPECTED_ANOMALIES,
    held_out: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of other audio, all of it normal, or a file. Repeatable.", rich_help_panel=THRESHOLD),
    ] = None,
    false_alarms_per_hour: Annotated[
        float | None,
        typer.Option(min=1e-3, help="Windows of normal audio per hour that are reported", rich_help_panel=THRESHOLD),
    ] = None,
    trees: Annotated[int, typer.Option(min=1, max=2000, help="Number of trees", rich_help_panel=FOREST)] = TREES,
    samples: Annotated[
        int, typer.Option(min=8, max=65_536, help="Windows that each tree is made of", rich_help_panel=FOREST)
    ] = SAMPLES,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same forest", rich_help_panel=FOREST)] = 0,
    most_windows: Annotated[
        int, typer.Option(min=100, help="Windows that are used, at equal distances", rich_help_panel=FOREST)
    ] = MOST_WINDOWS,
    name: Annotated[str | None, typer.Option(help="Name of the bundle", show_default="the name of --out")] = None,
    home: Annotated[Path | None, typer.Option(help="The node's home, which keeps vectors")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Train an isolation forest on unlabeled audio; it finds sound that is unlike it."""
    set_up_logging("warning")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _check(name or out.name, out, is_both=features and base is not None)
        options = NoveltyOptions(
            audio=tuple(dataset_train),
            out=out,
            name=name or out.name,
            base=None if base is None else named_bundle(models_folder(home), base),
            features=features_at(rate_hz, window_s),
            held_out=tuple(held_out or ()),
            false_alarms_per_hour=false_alarms_per_hour,
            expected_anomalies=expected_anomalies,
            forest=ForestOptions(trees, samples, seed),
            most_windows=most_windows,
            home=home,
        )
        with progress_bar("reading audio", unit="windows") as bar:
            report = train_novelty(options, say=say, progress=bar)
    except KeyboardInterrupt:
        raise typer.Exit(terminal.INTERRUPTED) from None
    except TidzamError as error:
        say(str(error), program="trainer", style="red")
        raise typer.Exit(terminal.FAILED) from None
    if as_json:
        print(json.dumps(report.to_dict(), indent=2))
        return
    _print(report)


def features_at(rate_hz: int, window_s: float) -> FeatureSpec:
    """The features of the demo's classifiers, at another rate or for other windows. Raises AudioError."""
    share = _DEFAULTS.fmax_hz / _DEFAULTS.rate_hz
    return FeatureSpec(rate_hz=rate_hz, window_s=window_s, fmax_hz=round(min(_DEFAULTS.fmax_hz, share * rate_hz), 1))


def _check(name: str, out: Path, *, is_both: bool) -> None:
    """Raises ConfigError for options that exclude one another, a name that a bundle cannot have, or a folder that holds
    something else."""
    if is_both:
        raise ConfigError("--features excludes --base.", hint="Remove one of them.", field="features")
    if re.fullmatch(NAME_PATTERN, name) is None:
        raise ConfigError(
            f"Invalid bundle name {name!r}.", hint="Use letters, digits, '.', '_' and '-' in --name.", field="name"
        )
    if not is_free(out):
        raise ConfigError(
            f"{out} exists and is not a bundle.",
            hint="Give --out a new folder, an empty folder or an existing bundle.",
            field="out",
        )


def _print(report: NoveltyReport) -> None:
    found = report.to_dict()
    for one in report.bad:
        say(f"left out: {one.reason}")
    say(
        f"threshold {report.threshold:.4f}: {100 * report.above:.2f} % of the normal windows are above it, "
        f"{found['false_alarms_per_hour']:g} per hour"
    )
    say(f"the exported scores differ from scikit-learn's by {report.difference:.1e} at most")
    say(f"{report.bundle.folder}: version {found['version']}")
