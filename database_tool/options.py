"""The options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass, replace
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

DatasetArgument = Annotated[Path, typer.Argument(help="Folder of the dataset.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Resume an interrupted run of the same command.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of the random generator.")]
IntoOption = Annotated[
    Path | None, typer.Option("--into", help="Write the result there and leave the dataset unchanged.")
]
ClassOption = Annotated[str, typer.Option("--classe", "--class", help="Label everything as this one class.")]

WindowOption = Annotated[
    float | None,
    typer.Option("--window", min=0.01, help="Length of a sample in s: a classifier's window, or longer.  [1]"),
]
HopOption = Annotated[
    float | None,
    typer.Option("--hop", min=0.001, help="Time from one sample to the next in s; by default the length of a sample."),
]
RateOption = Annotated[
    int | None, typer.Option("--rate-hz", min=1000, help="Sample rate to which audio is resampled.  [22050]")
]
MelsOption = Annotated[int | None, typer.Option("--mels", min=1, help="Number of mel bands.  [64]")]
LikeOption = Annotated[Path | None, typer.Option("--like", help="Use the features of this bundle or dataset.")]
ChannelsOption = Annotated[
    str, typer.Option("--channels", help="mix: downmix all channels to one; each: make samples of every channel.")
]
LabelsOption = Annotated[
    Path | None, typer.Option("--labels", help="YAML file of the label tree: one `label: parent` per line.")
]
AddOption = Annotated[bool, typer.Option("--add", help="Add to the existing dataset.")]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="Replace the existing dataset.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Stop at the first file that cannot be read.")]
ProcessesOption = Annotated[
    int, typer.Option("--processes", min=0, help="Processes that decode audio and compute features; 0: one per core.")
]

NULL = "tag:yaml.org,2002:null"
TREE_HINT = "Write one label per line: `label: parent`, or `label:` for a label without a parent."


@dataclass(frozen=True, kw_only=True)
class CompileOptions:
    """The options of every command that compiles audio into a dataset. The fields are annotated as for Typer."""

    window_s: WindowOption = None
    hop_s: HopOption = None
    rate_hz: RateOption = None
    mels: MelsOption = None
    like: LikeOption = None
    channels: ChannelsOption = "mix"
    labels: LabelsOption = None
    add: AddOption = False
    replace: ReplaceOption = False
    strict: StrictOption = False
    resume: ResumeOption = False
    processes: ProcessesOption = 0
    as_json: JsonOption = False

    def base(self, folder: Path) -> Dataset | None:
        """The dataset to add to; None for a new one. Raises DatasetError if one exists and its fate is not given."""
        exists = (folder / MANIFEST).is_file()
        if exists and not self.add and not self.replace:
            raise DatasetError(f"Dataset {folder} exists.", hint="Use --add or --replace.", code="dataset_place")
        return open_dataset(folder) if exists and self.add else None

    @property
    def workers(self) -> int:
        """The number of processes."""
        return self.processes or cores()

    def cutting(self, base: Dataset | None) -> Cutting:
        """How audio is cut into samples: by these options, else as in `base`, else by default."""
        start = _spec_like(self.like) if self.like else base.spec if base else FeatureSpec()
        changes: dict[str, Any] = {}
        if self.window_s is not None:
            changes["window_s"] = self.window_s
        if self.mels is not None:
            changes["n_mels"] = self.mels
        if self.rate_hz is not None:
            changes |= {"rate_hz": self.rate_hz, "fmax_hz": min(start.fmax_hz, self.rate_hz / 2)}
        spec = replace(start, **changes)
        kind: Channels = "each" if self.channels == "each" else "mix"
        if self.channels not in ("mix", "each"):
            raise typer.BadParameter(f"--channels is {self.channels!r}, expected mix or each.")
        return Cutting(spec=spec, hop_s=self.hop_s or spec.window_s, channels=kind)


def _spec_like(path: Path) -> FeatureSpec:
    """The features of a bundle or a dataset."""
    if (path / "shards").is_dir():
        return open_dataset(path).spec
    return read_bundle(path).manifest.feature_spec


def tree_of(path: Path | None) -> LabelTree | None:
    """The label tree in a YAML file. Raises DatasetError if it is not one, with the line of each fault."""
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
        raise DatasetError(f"{path} is nested too deeply.", hint=TREE_HINT, code="dataset_labels") from None
    if not isinstance(tree, yaml.MappingNode):
        raise DatasetError(f"{path} is not a label tree.", hint=TREE_HINT)
    parents = [parent for _, parent in tree.value if parent.tag != NULL]
    require_names(tree, path)
    for line, fault in misread(parents):
        raise DatasetError(f"{path}:{line}: {fault}.", hint=TREE_HINT, code="dataset_labels")
    return LabelTree({label.value: None if parent.tag == NULL else parent.value for label, parent in tree.value})


def sibling(dataset: Path, name: str) -> Path:
    """The folder of a dataset called `name`: a path, or a mere name in the folder of `dataset`."""
    return Path(name) if "/" in name else dataset.absolute().parent / name
