"""bench: measures the published figures of speed and accuracy on this machine."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import platform
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import psutil
import typer
from rich.table import Table

from tidzam import __version__
from tidzam.cli.options import JsonOption, console, say
from tidzam.errors import SetupError
from tidzam.node.system_packages import require_programs
from tidzam.paths import checkout
from tidzam.suggest import nearest
from tidzam.terminal import print_json

Name = Annotated[str, typer.Argument(help="Benchmark to run. Without it, all are listed with their options.")]

Help = Annotated[bool, typer.Option("--help", "-h", help="Show this, or the options of the named benchmark.")]

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}
"""The options of a benchmark pass through the command."""


def bench(context: typer.Context, name: Name = "", as_json: JsonOption = False, wants_help: Help = False) -> None:
    """Run a benchmark, or list all. Each sets up what it needs and removes it afterwards, and may have options."""
    if wants_help and not name:
        return typer.echo(context.get_help())
    names = _names()
    if not name:
        return _print_list(names)
    if name not in names:
        raise SetupError(f"Unknown benchmark {name!r}.", hint=f"The benchmarks are {', '.join(names)}.")
    if wants_help:
        return _print_help(name)
    run = _load(name).run
    options = parse_options(context.args, known=_options_of(run))
    figures = {**run(say, **options), "benchmark": name, "machine": _machine()}
    if as_json:
        print_json(figures)
    else:
        _print_figures(figures)


def parse_options(words: Sequence[str], *, known: Collection[str]) -> dict[str, str]:
    """Options as `--name value` or `--name=value`. Raises typer.BadParameter for names that are not in `known`."""
    options: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=")
        name = option.removeprefix("--").replace("-", "_")
        if not option.startswith("--") or name not in known:
            near = nearest(name, known)
            meant = " or ".join(_flag(one) for one in ([near] if near else known))
            hint = f"Did you mean {meant}?" if meant else "It has no options."
            raise typer.BadParameter(f"This benchmark has no option {word!r}. {hint}")
        if not equals and not rest:
            raise typer.BadParameter(f"{option} needs a value.")
        options[name] = value if equals else rest.pop(0)
    return options


def _options_of(run: Callable[..., Any]) -> dict[str, str]:
    """The options of a benchmark with their defaults: the keyword arguments of its `run`."""
    parameters = inspect.signature(run).parameters.values()
    return {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY}


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def _names() -> tuple[str, ...]:
    """The names of the benchmarks: the modules of the package `benchmarks` in a checkout that have a `run`."""
    root = checkout()
    if root is None:
        raise SetupError("The benchmarks are part of a checkout.", hint="Clone the project and run bin/tidzam bench.")
    require_programs()
    sys.path.insert(0, str(root))
    modules = (module.name for module in pkgutil.iter_modules([str(root / "benchmarks")]))
    return tuple(name.replace("_", "-") for name in modules if hasattr(_load(name), "run"))


def _load(name: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.{name.replace('-', '_')}")


def _print_list(names: tuple[str, ...]) -> None:
    table = Table(box=None, header_style="dim")
    table.add_column("benchmark")
    table.add_column("what it measures")
    table.add_column("options")
    for name in names:
        module = _load(name)
        options = (f"{_flag(one)} {one.upper()}" for one in _options_of(module.run))
        table.add_row(name, module.TITLE, " ".join(options))
    console.print(table)


def _print_help(name: str) -> None:
    """Title, description (the docstring of `run` without its errors) and options of a benchmark."""
    module = _load(name)
    console.print(f"[bold]tidzam bench {name}[/]: {module.TITLE}", highlight=False, soft_wrap=True)
    about = (inspect.getdoc(module.run) or "").partition("Raises ")[0].strip()
    if about:
        console.print(about, highlight=False, markup=False, soft_wrap=True)
    table = Table(box=None, header_style="dim")
    table.add_column("option")
    table.add_column("default")
    for option, default in _options_of(module.run).items():
        table.add_row(f"{_flag(option)} {option.upper()}", default)
    console.print(table if table.row_count else "It has no options.")


def _print_figures(figures: Mapping[str, Any]) -> None:
    table = Table(box=None, header_style="dim")
    table.add_column("figure")
    table.add_column("value")
    for name, value in figures.items():
        table.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    console.print(table)


def _machine() -> dict[str, Any]:
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "tidzam": __version__,
    }


def _cpu_model() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()
