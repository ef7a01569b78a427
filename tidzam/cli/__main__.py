"""`tidzam`: run, watch and repair a node; demo, benchmarks, tests."""

from __future__ import annotations

import io
import sys

import typer

from tidzam import __version__
from tidzam.cli import (
    activity,
    backup,
    bench,
    demo,
    models,
    node,
    record,
    search,
    setup,
    sinks,
    sources,
    store,
    users,
    watch,
)
from tidzam.errors import SetupError
from tidzam.terminal import command_line, exit_on_error

app = command_line(
    name="tidzam",
    help="Listens to places: loads audio into JACK, serves it, classifies it live, and reports what it hears.",
    no_args_is_help=True,
)
app.command()(node.start)
app.command()(node.run)
app.command()(node.stop)
app.command()(node.restart)
app.command()(node.check)
app.command()(node.status)
app.command()(watch.watch)
app.command()(record.record)
app.command()(setup.install)
app.command()(setup.lint)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(setup.test)
app.command(context_settings=bench.CONTEXT, add_help_option=False)(bench.bench)
app.add_typer(sources.app, name="sources")
app.add_typer(sinks.app, name="sinks")
app.add_typer(store.app, name="store")
app.add_typer(activity.app, name="activity")
app.add_typer(models.app, name="models")
app.add_typer(backup.app, name="backup")
app.add_typer(search.app, name="search")
app.add_typer(users.app, name="users")
app.add_typer(demo.app, name="demo")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tidzam {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed with a message, 2 wrong usage or not healthy."""
    for stream in (sys.stdout, sys.stderr):  # a path that is not UTF-8 is printed unchanged
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")
    with exit_on_error("tidzam"):
        try:
            app(prog_name="tidzam")
        except PermissionError as error:
            raise SetupError(
                f"{error.filename}: {error.strerror}.",
                hint="Run this as the user who started the node, or choose another place with --home.",
            ) from None


if __name__ == "__main__":
    main()
