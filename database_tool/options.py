"""The options that several commands share, and what they mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from database_tool.cutting import Channels, Cutting
from tidzam.audio.features import FeatureSpec
from tidzam.bundle import MANIFEST, read_bundle
from tidzam.config.names import misread
from tidzam.config.read import not_plain_yaml, require_names
from tidzam.dataset import Dataset, open_dataset
from tidzam.errors import BundleError, ConfigError, DatasetError
from tidzam.labels import LabelTree
from tidzam.parallel import cores
from tidzam.tables import read_text

DatasetArgument = Annotated[Path, typer.Argument(help="The dataset's folder.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on where a killed run of the same was.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed draws the same.")]
IntoOption = Annotated[Path | None, typer.Option("--into", help="Write there, and leave the dataset as it is.")]
ClassOption = Annotated[str, typer.Option("--classe", "--class", help="All of it is this one class.")]

WindowOption = Annotated[
    float | None,
    typer.Option(
        "--window", min=0.01, help="Length of a sample in s: a classifier's window, or longer; 1 if not given."
    ),
]
HopOption = Annotated[
    float | None, typer.Option("--hop", min=0.001, help="From one sample to the next, in s; side by side if not given.")
]
RateOption = Annotated[
    int | None, typer.Option("--rate-hz", min=1000, help="Sound is brought to it; 22050 if not given.")
]
MelsOption = Annotated[int | None, typer.Option("--mels", min=1, help="Mel bands; 64 if not given.")]
LikeOption = Annotated[Path | None, typer.Option("--like", help="Features of this bundle or dataset.")]
ChannelsOption = Annotated[
    str, typer.Option("--channels", help="mix: all channels as one; each: every channel gives samples of its own.")
]
LabelsOption = Annotated[
    Path | None, typer.Option("--labels", help="YAML of the label tree: a line a label, `label: parent`.")
]
AddOption = Annotated[bool, typer.Option("--add", help="Add to the dataset that is there.")]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="Replace the dataset that is there.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Stop at the first file that cannot be read.")]
NULL = "tag:yaml.org,2002:null"
TREE_HINT = "Write one label per line: `label: parent`, or `label:` for one without a parent."

ProcessesOption = Annotated[
    int, typer.Option("--processes", min=0, help="Processes that decode and work out features; 0: all cores.")
]


def base_of(folder: Path, *, add: bool, replace_it: bool) -> Dataset | None:
    """The dataset to add to, None for a new one. Raises DatasetError if one is there and nothing was said of it."""
    there = (folder / MANIFEST).is_file()
    if there and not add and not replace_it:
        raise DatasetError(
            f"There is a dataset at {folder} already.", hint="Say --add or --replace.", code="dataset_place"
        )
    return open_dataset(folder) if there and add else None


def cutting_of(
    base: Dataset | None,
    *,
    window_s: float | None,
    hop_s: float | None,
    rate_hz: int | None,
    mels: int | None,
    like: Path | None,
    channels: str,
) -> Cutting:
    """How samples are cut: as told, else as in `base`, else by default."""
    start = _spec_like(like) if like else base.spec if base else FeatureSpec()
    changes: dict[str, Any] = {}
    if window_s is not None:
        changes["window_s"] = window_s
    if mels is not None:
        changes["n_mels"] = mels
    if rate_hz is not None:
        changes |= {"rate_hz": rate_hz, "fmax_hz": min(start.fmax_hz, rate_hz / 2)}
    spec = replace(start, **changes)
    kind: Channels = "each" if channels == "each" else "mix"
    if channels not in ("mix", "each"):
        raise typer.BadParameter("--channels is mix or each.")
    return Cutting(spec=spec, hop_s=hop_s or spec.window_s, channels=kind)


def _spec_like(path: Path) -> FeatureSpec:
    """The features of a bundle or a dataset."""
    if (path / "shards").is_dir():
        return open_dataset(path).spec
    return read_bundle(path).manifest.features


def tree_of(path: Path | None) -> LabelTree | None:
    """The label tree in a YAML file. Raises DatasetError if it is not one, naming the line of each fault."""
    if path is None:
        return None
    try:
        return _tree_in(path, read_text(path))
    except BundleError as error:
        raise DatasetError(f"{path}: {error.message}", hint=error.hint, code="dataset_labels") from None
    except ConfigError as error:
        raise DatasetError(error.message, hint=error.hint, code="dataset_labels") from None


def _tree_in(path: Path, text: str) -> LabelTree:
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise not_plain_yaml(path, error) from None
    except RecursionError:
        raise DatasetError(f"{path} is too deeply nested.", hint=TREE_HINT, code="dataset_labels") from None
    if not isinstance(tree, yaml.MappingNode):
        raise DatasetError(f"{path} is not a label tree.", hint=TREE_HINT)
    parents = [parent for _, parent in tree.value if parent.tag != NULL]
    require_names(tree, path)
    for line, fault in misread(parents):
        raise DatasetError(f"{path}:{line}: {fault}.", hint=TREE_HINT, code="dataset_labels")
    return LabelTree({label.value: None if parent.tag == NULL else parent.value for label, parent in tree.value})


def processes_of(wanted: int) -> int:
    return wanted or cores()


def beside(dataset: Path, name: str) -> Path:
    """A dataset that is named: by a path, or by a mere name, beside another."""
    return Path(name) if "/" in name else dataset.absolute().parent / name
