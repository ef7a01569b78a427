"""The page of a user's own account: password, sessions and API tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import RedirectResponse, Response

from console.accounts.visitor import Visitor
from console.services import account
from console.services.models import NewToken
from console.web.errors import status_of
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from console.web.urls import local_path
from tidzam.accounts.roles import SCOPES, Permission
from tidzam.errors import RequestError

router = APIRouter(prefix="/account", dependencies=[needs(Permission.ACCOUNT)])


@router.get("")
def show_account(request: Request, visitor: CurrentVisitor, runtime: Runtime, done: str = "") -> Response:
    """The account. `done` is `password` after it has been changed."""
    return _page(request, visitor, runtime, is_changed=done == "password")


@router.post("/password")
def change_password(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    present: Annotated[str, Form(max_length=200)] = "",
    new: Annotated[str, Form(max_length=200)] = "",
    again: Annotated[str, Form(max_length=200)] = "",
    remove_tokens: Annotated[bool, Form()] = False,
) -> Response:
    """Change the password; the new one is typed twice."""
    try:
        if new != again:
            raise RequestError("The new passwords differ.", hint="Type it twice.", code="weak_password", field="again")
        account.change_password(
            runtime.store,
            runtime.lock_out,
            visitor,
            present=present,
            new=new,
            remove_tokens=remove_tokens,
            now=runtime.now(),
        )
    except RequestError as error:
        return _page(request, visitor, runtime, error=error)
    return RedirectResponse(local_path(request, "/account", done="password"), 303)


@router.post("/sessions/{session_id}/end")
def end_session(request: Request, visitor: CurrentVisitor, runtime: Runtime, session_id: str) -> Response:
    """Log out one of the user's browsers."""
    account.end_session(runtime.store, visitor, session_id, now=runtime.now())
    return RedirectResponse(local_path(request, "/account"), 303)


@router.post("/tokens")
def add_token(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    name: Annotated[str, Form(min_length=1, max_length=64)],
    scopes: Annotated[list[Permission] | None, Form()] = None,
    days: Annotated[int, Form(ge=0, le=3650)] = 0,
) -> Response:
    """Make an API token, which is shown once. 0 days: it never expires."""
    try:
        made = account.add_token(runtime.store, visitor, name, scopes or (), days=days or None, now=runtime.now())
    except RequestError as error:
        return _page(request, visitor, runtime, error=error)
    return _page(request, visitor, runtime, made=made)


@router.post("/tokens/{token_id}/remove")
def remove_token(
    request: Request, visitor: CurrentVisitor, runtime: Runtime, token_id: Annotated[int, Path(ge=0, lt=1 << 62)]
) -> Response:
    """Remove an API token."""
    account.remove_token(runtime.store, visitor, token_id, now=runtime.now())
    return RedirectResponse(local_path(request, "/account"), 303)


def _page(
    request: Request,
    visitor: Visitor,
    runtime: ConsoleRuntime,
    *,
    error: RequestError | None = None,
    is_changed: bool = False,
    made: NewToken | None = None,
) -> Response:
    now = runtime.now()
    return render(
        request,
        "account.html",
        visitor=visitor,
        status=status_of(error) if error else 200,
        has_password=account.has_password(runtime.store, visitor),
        sessions=account.list_sessions(runtime.store, runtime.sessions, visitor, now=now),
        tokens=account.list_tokens(runtime.store, visitor),
        scopes=[scope for scope in SCOPES if visitor.may(scope)],
        error=error,
        is_changed=is_changed,
        made=made,
        now=now,
    )
