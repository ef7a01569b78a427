"""The page for logging in, and logging out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from console.accounts.log_in import LockedOutError, log_in
from console.accounts.recognition import has_identity, log_out
from console.web.cookies import forget_cookie, set_cookie
from console.web.errors import status_of
from console.web.permissions import CurrentVisitor, Runtime, needs, public
from console.web.runtime import runtime_of
from console.web.templates import render
from console.web.urls import local_path, safe_next
from tidzam.accounts.roles import Permission
from tidzam.errors import RequestError, TidzamError

router = APIRouter()


@router.get("/login", dependencies=[public()])
def show_login(request: Request, visitor: CurrentVisitor, next: str = "", ended: bool = False) -> Response:
    """The form; the first page for those who are logged in."""
    if visitor.is_known:
        return RedirectResponse(safe_next(request, next), 303)
    return login_page(request, target=next, is_ended=ended)


def login_page(
    request: Request,
    *,
    target: str,
    error: TidzamError | None = None,
    username: str = "",
    is_ended: bool = False,
) -> Response:
    """The form, after an `error` with its status. `is_ended` is whether somebody has just logged out."""
    openid = runtime_of(request).openid
    return render(
        request,
        "login.html",
        status=200 if error is None else status_of(error),
        headers={"Retry-After": str(error.wait_s)} if isinstance(error, LockedOutError) else {},
        target=target,
        error=error,
        username=username,
        openid=openid and openid.settings.title,
        log_out=openid.log_out_address if openid and is_ended else None,
    )


@router.post("/login", dependencies=[public()])
def begin(
    request: Request,
    runtime: Runtime,
    username: Annotated[str, Form(max_length=64)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
    next: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Log in; `curl` with a cookie jar may send this form, too."""
    address = request.client.host if request.client else ""
    agent = request.headers.get("User-Agent", "")
    try:
        begun = log_in(
            runtime.store, runtime.lock_out, username, password, address=address, agent=agent, now=runtime.now()
        )
    except RequestError as error:
        return login_page(request, target=next, error=error, username=username)
    response = RedirectResponse(safe_next(request, next), 303)
    set_cookie(response, request, begun)
    return response


@router.post("/logout", dependencies=[needs(Permission.ACCOUNT)])
def end(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Log out. Who came from a provider is offered to log out there, too."""
    came_from_provider = runtime.openid is not None and has_identity(runtime.store, visitor)
    log_out(runtime.store, visitor, now=runtime.now())
    parameters = {"ended": "true"} if came_from_provider else {}
    response = RedirectResponse(local_path(request, "/login", **parameters), 303)
    forget_cookie(response, request)
    return response
