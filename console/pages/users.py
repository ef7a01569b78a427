"""The page for managing users."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from console.accounts.visitor import Visitor
from console.services import users
from console.web.errors import status_of
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from console.web.urls import local_path
from tidzam.accounts.passwords import new_password
from tidzam.accounts.roles import Permission, Role
from tidzam.errors import RequestError

router = APIRouter(prefix="/users", dependencies=[needs(Permission.ADMINISTER)])


@router.get("")
def show_users(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """All users."""
    return _page(request, visitor, runtime)


@router.post("")
def add(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    name: Annotated[str, Form(max_length=64)] = "",
    role: Annotated[Role, Form()] = Role.VIEWER,
) -> Response:
    """Add a user with a new password, or a node with a new token, which is shown once."""
    password = None if role is Role.NODE else new_password()
    try:
        added = users.add_user(runtime.store, visitor, name, role, password, now=runtime.now())
    except RequestError as error:
        return _page(request, visitor, runtime, error=error, name=name)
    if password is None:
        return _with_token(request, visitor, runtime, added.name)
    return _page(request, visitor, runtime, shown=(added.name, password))


@router.post("/{name}/password")
def reset_password(request: Request, visitor: CurrentVisitor, runtime: Runtime, name: str) -> Response:
    """Give a user a new password, or a node a new token, which is shown once."""
    if users.role_of(runtime.store, name) is Role.NODE:
        return _with_token(request, visitor, runtime, name)
    password = new_password()
    changed = users.change_user(runtime.store, visitor, name, role=None, password=password, now=runtime.now())
    return _page(request, visitor, runtime, shown=(changed.name, password))


@router.post("/{name}/role")
def change_role(
    request: Request, visitor: CurrentVisitor, runtime: Runtime, name: str, role: Annotated[Role, Form()]
) -> Response:
    """Change the role of a user."""
    try:
        users.change_user(runtime.store, visitor, name, role=role, password=None, now=runtime.now())
    except RequestError as error:
        return _page(request, visitor, runtime, error=error)
    return RedirectResponse(local_path(request, "/users"), 303)


@router.post("/{name}/remove")
def remove(request: Request, visitor: CurrentVisitor, runtime: Runtime, name: str) -> Response:
    """Remove a user."""
    try:
        users.remove_user(runtime.store, visitor, name, now=runtime.now())
    except RequestError as error:
        return _page(request, visitor, runtime, error=error)
    return RedirectResponse(local_path(request, "/users"), 303)


def _with_token(request: Request, visitor: Visitor, runtime: ConsoleRuntime, name: str) -> Response:
    """The page with a new token of a node."""
    token = users.new_node_token(runtime.store, visitor, name, now=runtime.now())
    return _page(request, visitor, runtime, shown=(name, token), what="token")


def _page(
    request: Request,
    visitor: Visitor,
    runtime: ConsoleRuntime,
    *,
    error: RequestError | None = None,
    name: str = "",
    shown: tuple[str, str] | None = None,
    what: str = "password",
) -> Response:
    """The page; `shown` are the name and the new password of a user, or the new token of a node."""
    return render(
        request,
        "users.html",
        visitor=visitor,
        status=status_of(error) if error else 200,
        users=users.list_users(runtime.store),
        roles=list(Role),
        error=error,
        name=name,
        shown=shown,
        what=what,
    )
