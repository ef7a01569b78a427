"""REST: logging in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from console.accounts.log_in import log_in
from console.accounts.recognition import log_out
from console.services.models import ConsoleModel
from console.web.cookies import forget_cookie, set_cookie
from console.web.permissions import CurrentVisitor, Runtime, needs, public
from tidzam.accounts.roles import Permission, Role

router = APIRouter(prefix="/session", tags=["Session"])


class LoginRequest(ConsoleModel):
    """A user name and a password."""

    username: Annotated[str, Field(min_length=1, max_length=64, description="Name of the user")]
    password: Annotated[str, Field(min_length=1, max_length=200, description="Password of the user")]


class Self(ConsoleModel):
    """Who sends the request, and what they may do."""

    name: str = Field(description="Name of the user; empty if nobody is logged in")
    role: Role | None = Field(description="Role of the user; null if nobody is logged in")
    permissions: tuple[Permission, ...] = Field(description="What the sender may do")
    csrf_token: str | None = Field(
        description="What changes must send in the header X-CSRF-Token; null if the request had no session's cookie"
    )


@router.get("", dependencies=[public()])
def who_am_i(visitor: CurrentVisitor) -> Self:
    """Who sends the request, what they may do, and the CSRF token of the session."""
    permissions = tuple(permission for permission in Permission if visitor.may(permission))
    return Self(name=visitor.name, role=visitor.role, permissions=permissions, csrf_token=visitor.csrf_token)


@router.post("", dependencies=[public()], status_code=204)
def begin_session(credentials: LoginRequest, request: Request, runtime: Runtime) -> Response:
    """Log in. The response sets the session's cookie. The form of the page /login does the same."""
    begun = log_in(
        runtime.store,
        runtime.lock_out,
        credentials.username,
        credentials.password,
        address=request.client.host if request.client else "",
        agent=request.headers.get("User-Agent", ""),
        now=runtime.now(),
    )
    response = Response(status_code=204)
    set_cookie(response, request, begun)
    return response


@router.delete("", dependencies=[needs(Permission.ACCOUNT)], status_code=204)
def end_session(visitor: CurrentVisitor, request: Request, runtime: Runtime) -> Response:
    """Log out: end the session whose cookie was sent."""
    log_out(runtime.store, visitor, now=runtime.now())
    response = Response(status_code=204)
    forget_cookie(response, request)
    return response
