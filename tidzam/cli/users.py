"""users: who may use the console."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from tidzam.accounts.roles import Role
from tidzam.cli.options import HomeOption, JsonOption, console, say
from tidzam.config import Settings
from tidzam.node.home import find_home
from tidzam.terminal import command_line, print_json

if TYPE_CHECKING:  # the database takes a quarter of a second to import
    from tidzam.accounts.audit import Actor
    from tidzam.store.database import Store
    from tidzam.store.tables.accounts import UserRow

app = command_line(help="Manage the users of the console.")

Name = Annotated[str, typer.Argument(help="Name of the user.")]
RoleOption = Annotated[
    Role,
    typer.Option(
        "--role",
        "-r",
        help="viewer, annotator, manager or admin: each may do more than the one before; or node, see `users token`.",
    ),
]
Generate = Annotated[
    bool, typer.Option("--generate", help="Make a password and print it, instead of reading one from stdin.")
]


@app.command()
def add(name: Name, role: RoleOption = Role.VIEWER, generate: Generate = False, home: HomeOption = None) -> None:
    """Add a user. The password is read from the terminal, or as a line from a pipe.

    A node has no password: its token is printed, by which it forwards what it hears to this one (sink `forward`).
    """
    from tidzam.accounts.node_tokens import renew_node_token
    from tidzam.accounts.users import add_user

    password = None if role is Role.NODE else _password(generate=generate)
    with _store(home) as store, store.write() as session:
        user = add_user(session, name, role, password, by=_actor(), now=datetime.now(UTC))
        made = renew_node_token(session, user, by=_actor(), now=datetime.now(UTC)) if role is Role.NODE else None
        say(f"added {user.name}, who is {role.value}")
    if made or generate:
        typer.echo(made or password)


@app.command()
def token(name: Name, home: HomeOption = None) -> None:
    """Print a new token of an account with the role node; the one before is refused from now on.

    The account has the name of a node (`node.name`), which forwards what it hears to this one (sink `forward`).
    """
    from tidzam.accounts.node_tokens import renew_node_token
    from tidzam.accounts.users import require_user

    with _store(home) as store, store.write() as session:
        made = renew_node_token(session, require_user(session, name), by=_actor(), now=datetime.now(UTC))
    say(f"made a token of {name}; it is shown only now")
    typer.echo(made)


@app.command()
def password(name: Name, generate: Generate = False, home: HomeOption = None) -> None:
    """Change the password of a user, which ends the user's sessions and removes the API tokens."""
    from tidzam.accounts.users import require_user, set_password

    with _store(home) as store:
        with store.read() as session:
            require_user(session, name)
        chosen = _password(generate=generate)
        with store.write() as session:
            set_password(session, require_user(session, name), chosen, by=_actor(), now=datetime.now(UTC))
    say(f"changed the password of {name}")
    if generate:
        typer.echo(chosen)


@app.command("role")
def change_role(
    name: Name,
    role: Annotated[Role, typer.Argument(help="viewer, annotator, manager, admin or node.")],
    home: HomeOption = None,
) -> None:
    """Change the role of a user."""
    from tidzam.accounts.users import require_user, set_role

    with _store(home) as store, store.write() as session:
        set_role(session, require_user(session, name), role, by=_actor(), now=datetime.now(UTC))
    say(f"{name} is {role.value} now")


@app.command()
def remove(name: Name, home: HomeOption = None) -> None:
    """Remove a user with all sessions and API tokens."""
    from tidzam.accounts.users import remove_user, require_user

    with _store(home) as store, store.write() as session:
        remove_user(session, require_user(session, name), by=_actor(), now=datetime.now(UTC))
    say(f"removed {name}")


@app.command("list")
def list_all(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show all users with their roles and last log-ins."""
    from tidzam.accounts.users import list_users

    with _store(home) as store, store.read() as session:
        found = list_users(session)
        if as_json:
            print_json({"users": [_row(user) for user in found]})
        else:
            console.print(_table(found))


@contextmanager
def _store(home: Path | None) -> Iterator[Store]:
    """The store of the node, also of one that has not been started yet."""
    from tidzam.store.database import open_store

    place = find_home(home)
    settings = place.settings() if place.profile.is_file() else Settings()
    with open_store(settings.store, place.root) as store:
        yield store


def _actor() -> Actor:
    from tidzam.accounts.audit import command_line_actor

    return command_line_actor()


def _password(*, generate: bool) -> str:
    from tidzam.accounts.passwords import new_password

    if generate:
        return new_password()
    if sys.stdin.isatty():
        typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")


def _row(user: UserRow) -> dict[str, object]:
    return {
        "name": user.name,
        "role": user.role,
        "created": user.created.isoformat(timespec="seconds"),
        "last_login": user.last_login and user.last_login.isoformat(timespec="seconds"),
    }


def _table(users: Sequence[UserRow]) -> Table:
    """The table of `tidzam users list`, with times in UTC."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("user", "role", "added (UTC)", "last log-in (UTC)"):
        table.add_column(title)
    for user in users:
        last = f"{user.last_login:%Y-%m-%d %H:%M}" if user.last_login else "never"
        table.add_row(escape(user.name), user.role, f"{user.created:%Y-%m-%d %H:%M}", last)
    return table
