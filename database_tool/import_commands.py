"""The commands that compile audio into datasets: `create`, and `import` with one subcommand per importer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperGroup

from database_tool import actions
from database_tool.commands import show
from database_tool.importers import IMPORTERS
from database_tool.importers.base import Importer
from database_tool.importers.folders import FoldersImporter
from database_tool.messages import say
from database_tool.options import CompileOptions, DatasetArgument
from tidzam.errors import ConfigError
from tidzam.terminal import command_line

ANY_ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True}


class ImportCommands(Mapping[str, Any]):
    """The subcommands of `import` by name. An importer is loaded when its command is looked up."""

    def __iter__(self) -> Iterator[str]:
        return iter(IMPORTERS.names())

    def __len__(self) -> int:
        return len(IMPORTERS.names())

    def __getitem__(self, name: str) -> Any:
        if name not in IMPORTERS.names():
            raise KeyError(name)
        sub = command_line()
        try:
            sub.command(name)(import_command(IMPORTERS.load(name)))
        except ConfigError as error:  # the other importers stay usable
            sub.command(name, help=error.message, context_settings=ANY_ARGUMENTS)(_refusal(error))
        return typer.main.get_command(sub)


class ImportGroup(TyperGroup):
    """`import`, which asks the registry for its subcommands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": ImportCommands()})

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)


app = command_line(
    cls=ImportGroup,
    no_args_is_help=True,
    help="Compile annotated audio in one of several formats into a dataset.",
)


def import_command(importer: type[Importer], *, dataset_first: bool = False) -> Callable[..., None]:
    """The command PATH DATASET of an importer, with its own options and those of CompileOptions."""
    own, shared = _parameters(importer), _parameters(CompileOptions)

    def command(**given: Any) -> None:
        options = CompileOptions(**{one.name: given[one.name] for one in shared})
        source: Path = given["path"]
        parts = importer(**{one.name: given[one.name] for one in own}).read(source, say=say)
        show(actions.compile_parts(parts, given["dataset"], options, source=source), as_json=options.as_json)

    path = Annotated[Path, typer.Argument(help=importer.path_help)]
    arguments = [_parameter("path", path), _parameter("dataset", DatasetArgument)]
    parameters = [*(reversed(arguments) if dataset_first else arguments), *own, *shared]
    command.__doc__ = importer.__doc__
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # Typer reads options from it
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command


def _parameters(options: type[Any]) -> list[inspect.Parameter]:
    """The fields of a dataclass as parameters of a command."""
    hints = get_type_hints(options, include_extras=True)
    return [_parameter(one.name, hints[one.name], one.default) for one in fields(options)]


def _parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _refusal(error: ConfigError) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


create = import_command(FoldersImporter, dataset_first=True)
create.__doc__ = "Compile a folder of audio files: one folder per class, or all of it as one class."
