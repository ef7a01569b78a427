"""The cookie of a session."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from console.accounts.log_in import NewSession
from console.web.runtime import runtime_of
from console.web.urls import root_of


def set_cookie(response: Response, request: Request, begun: NewSession) -> None:
    """Give the browser the cookie of a new session. Scripts cannot read it, and over TLS it is sent only there."""
    runtime = runtime_of(request)
    response.set_cookie(
        runtime.cookie,
        begun.cookie,
        max_age=int(runtime.sessions.longest.total_seconds()),
        path=f"{root_of(request)}/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def forget_cookie(response: Response, request: Request) -> None:
    """Remove the cookie from the browser."""
    response.delete_cookie(
        runtime_of(request).cookie,
        path=f"{root_of(request)}/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
