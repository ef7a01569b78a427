"""The commands that make datasets out of sound: `create`, and `import` of what other programs and people keep."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from database_tool import actions
from database_tool.commands import show
from database_tool.compile import Compiled, Request, compile_clips
from database_tool.importers import esc50, lists
from database_tool.options import (
    AddOption,
    ChannelsOption,
    ClassOption,
    DatasetArgument,
    HopOption,
    JsonOption,
    LabelsOption,
    LikeOption,
    MelsOption,
    ProcessesOption,
    RateOption,
    ReplaceOption,
    ResumeOption,
    StrictOption,
    WindowOption,
    base_of,
    beside,
    cutting_of,
    processes_of,
    tree_of,
)
from database_tool.terminal import progress, resumable, say
from tidzam.audio.walk import remarks, walk
from tidzam.clips import Clip, class_folders, find_clips, group_of
from tidzam.errors import DatasetError
from tidzam.labels import clean_label, require_label

app = typer.Typer(
    no_args_is_help=True,
    help="Make a dataset from what other programs and people keep.",
    context_settings={"help_option_names": ["-h", "--help"]},
)

FolderArgument = Annotated[Path, typer.Argument(help="Folder of sound.")]
ListArgument = Annotated[Path, typer.Argument(help="The list, or a folder of them.")]
AudioOption = Annotated[Path | None, typer.Option("--audio", help="The sound file, if the list does not name it.")]


@dataclass(frozen=True, kw_only=True)
class Compiling:
    """How a command is to compile: options that all of them share."""

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

    def run(self, clips: Sequence[Clip], folder: Path, *, source: Path | str) -> Compiled:
        """Compile clips into the dataset at `folder`, with progress."""
        base = base_of(folder, add=self.add, replace_it=self.replace)
        cutting = cutting_of(
            base,
            window_s=self.window_s,
            hop_s=self.hop_s,
            rate_hz=self.rate_hz,
            mels=self.mels,
            like=self.like,
            channels=self.channels,
        )
        request = Request(
            clips=clips,
            folder=folder,
            cutting=cutting,
            base=base,
            tree=tree_of(self.labels),
            source=str(source),
            strict=self.strict,
            resume=self.resume,
            processes=processes_of(self.processes),
        )
        with resumable(), progress("compiling", "clips") as advance:
            return compile_clips(request, say=say, advance=advance)

    def run_and_tell(self, clips: Sequence[Clip], folder: Path, *, source: Path | str) -> None:
        self.tell([self.run(clips, folder, source=source)])

    def tell(self, made: Sequence[Compiled]) -> None:
        """What was compiled, and what was left out."""
        show(actions.compiled(made), as_json=self.as_json)


def compiles(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command whose last parameter is `how` the options of Compiling in its place."""
    own = inspect.signature(command, eval_str=True)
    hints = get_type_hints(Compiling, include_extras=True)
    shared = [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[one.name])
        for one in fields(Compiling)
    ]
    names = {one.name for one in shared}

    @wraps(command)
    def run(**given: Any) -> None:
        how = Compiling(**{name: given.pop(name) for name in names})
        command(**given, how=how)

    parameters = [one for one in own.parameters.values() if one.name != "how"]
    signature = own.replace(
        parameters=[*(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters), *shared]
    )
    run.__signature__ = signature  # type: ignore[attr-defined]  # what Typer asks for
    run.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    return run


@compiles
def create(dataset: DatasetArgument, folder: FolderArgument, classe: ClassOption = "", *, how: Compiling) -> None:
    """Compile a folder of audio files: one folder per class, or all of it as one class."""
    how.run_and_tell(clips_in(folder, classe), dataset, source=folder)


@app.command("folders")
@compiles
def import_folders(
    folder: FolderArgument, dataset: DatasetArgument, classe: ClassOption = "", *, how: Compiling
) -> None:
    """Folders, one a class; the same as `create`."""
    how.run_and_tell(clips_in(folder, classe), dataset, source=folder)


@app.command("clips")
@compiles
def import_clips(
    folder: FolderArgument,
    dataset: DatasetArgument,
    without: Annotated[
        list[str] | None, typer.Option("--without", help="A class to leave out, as unknown may be.")
    ] = None,
    *,
    how: Compiling,
) -> None:
    """The clips that the analyzer kept (--out): their class, source, channel and moment are in their names.

    Clips of one source and hour count as one recording.
    """
    unwanted = set(map(clean_label, without or ()))
    clips = [clip for clip in kept_clips(folder) if clip.label not in unwanted]
    how.run_and_tell(lists.all_clips([clips]), dataset, source=folder)


@app.command("csv")
@compiles
def import_csv(path: ListArgument, dataset: DatasetArgument, *, how: Compiling) -> None:
    """CSV lists with the columns file,start,end,label, and channel,group if need be."""
    found = [lists.read_csv(one) for one in lists.find_lists(path, ".csv")]
    how.run_and_tell(lists.all_clips(found), dataset, source=path)


@app.command("raven")
@compiles
def import_raven(
    path: ListArgument,
    dataset: DatasetArgument,
    label_column: Annotated[str, typer.Option("--label-column", help="The column that says what was heard.")] = "",
    audio: AudioOption = None,
    *,
    how: Compiling,
) -> None:
    """Raven selection tables."""
    tables = lists.find_lists(path, ".txt")
    found = [lists.read_raven(one, label_column=label_column, audio=audio) for one in tables]
    how.run_and_tell(lists.all_clips(found), dataset, source=path)


@app.command("audacity")
@compiles
def import_audacity(path: ListArgument, dataset: DatasetArgument, audio: AudioOption = None, *, how: Compiling) -> None:
    """Audacity label tracks."""
    found = [lists.read_audacity(one, audio=audio) for one in lists.find_lists(path, ".txt")]
    how.run_and_tell(lists.all_clips(found), dataset, source=path)


@app.command("esc50")
@compiles
def import_esc50(
    path: Annotated[Path, typer.Argument(help="Folder of ESC-50; with --fetch, where it is to be put.")],
    dataset: DatasetArgument,
    fold: Annotated[list[int] | None, typer.Option("--fold", help="Only this fold; may be given again.")] = None,
    each_fold: Annotated[
        bool, typer.Option("--each-fold", help="A dataset a fold: DATASET-fold-1, DATASET-fold-2 …")
    ] = False,
    esc10: Annotated[bool, typer.Option("--esc10", help="Only the ten classes of ESC-10.")] = False,
    fetch: Annotated[bool, typer.Option("--fetch", help="Download it first.")] = False,
    address: Annotated[str, typer.Option("--address", help="Where to download it.")] = esc50.ADDRESS,
    *,
    how: Compiling,
) -> None:
    """ESC-50, or a set laid out as it is, by folds."""
    if fetch:
        with progress("fetching", "bytes") as advance:
            esc50.fetch(address, path, advance=advance)
    folds = esc50.find_esc50(path, only_esc10=esc10)
    absent = sorted(set(fold or ()) - set(folds))
    if absent:
        raise DatasetError(f"There is no fold {absent[0]}.", hint=f"There are: {', '.join(map(str, folds))}.")
    chosen = {number: folds[number] for number in sorted(fold or folds)}
    if not each_fold:
        how.run_and_tell([clip for clips in chosen.values() for clip in clips], dataset, source=path)
        return
    name = dataset.absolute().name
    how.tell(
        [how.run(clips, beside(dataset, f"{name}-fold-{number}"), source=path) for number, clips in chosen.items()]
    )


def clips_in(folder: Path, classe: str) -> Sequence[Clip]:
    """The clips in class folders, or, with `classe`, all in the folder as that class. Reports what is left out."""
    found = lists.clips_of_class(folder, require_label(classe)) if classe else find_clips(folder)
    for line in found.remarks:
        say(line)
    for label in found.empty:
        say(f"class {label} has no audio file: it is left out")
    return found.clips


def kept_clips(folder: Path) -> list[Clip]:
    """The clips in the analyzer's folder, which may hold classes that nothing was kept of."""
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder.", hint="Name what the analyzer was given as --out.")
    clips: list[Clip] = []
    for home in class_folders(folder):
        found = walk(home, root=folder)
        clips += [Clip(path, home.name, group_of(path)) for path in found.files]
        for line in remarks(found.left_out, folder):
            say(line)
    return clips
