"""Logging in with OpenID Connect: to the provider and back."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from console.openid.accounts import log_in_by_claims
from console.openid.faults import refused
from console.openid.flow import LIFETIME_S, BegunLogin, authorization_url, begin_login
from console.openid.provider import OpenIdProvider
from console.pages.login import login_page
from console.web.cookies import set_cookie
from console.web.permissions import Runtime, public
from console.web.runtime import ConsoleRuntime
from console.web.urls import root_of, safe_next
from tidzam.errors import RequestError, TidzamError

router = APIRouter(prefix="/openid", include_in_schema=False, dependencies=[public()])

_Text = Annotated[str, Query(max_length=4000)]


@router.get("/login")
async def begin(request: Request, runtime: Runtime, next: Annotated[str, Query(max_length=2000)] = "") -> Response:
    """Send the browser to the provider."""
    provider, begun = _provider(runtime), begin_login(next)
    try:
        metadata = await provider.metadata()
    except TidzamError as error:
        return login_page(request, target=next, error=error)
    url = authorization_url(
        metadata.authorization_endpoint,
        begun,
        client_id=provider.settings.client_id,
        scopes=provider.settings.scopes,
        redirect_uri=_redirect_uri(request),
    )
    response = RedirectResponse(url, 303)
    response.set_cookie(
        _cookie(runtime),
        begun.as_cookie(),
        max_age=LIFETIME_S,
        path=_path(request),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/callback")
async def end(
    request: Request,
    runtime: Runtime,
    state: _Text = "",
    code: _Text = "",
    error: _Text = "",
    iss: _Text = "",
) -> Response:
    """The provider has sent the browser back. A log-in can be ended once."""
    begun = BegunLogin.from_cookie(request.cookies.get(_cookie(runtime), ""))
    try:
        found = _required(_provider(runtime), begun, state=state, code=code, error=error, issuer=iss)
        response = await _logged_in(request, runtime, found, code)
    except TidzamError as fault:
        response = login_page(request, target=begun.target if begun else "", error=fault)
    response.delete_cookie(
        _cookie(runtime), path=_path(request), secure=request.url.scheme == "https", httponly=True, samesite="lax"
    )
    return response


def _required(
    provider: OpenIdProvider, begun: BegunLogin | None, *, state: str, code: str, error: str, issuer: str
) -> BegunLogin:
    """The log-in that this browser has begun. Raises RequestError (`openid`) for any other response."""
    if begun is None or not hmac.compare_digest(begun.state.encode(), state.encode(errors="replace")):
        raise refused("this browser did not begin it, or too long ago")
    if issuer and issuer != provider.settings.issuer:  # RFC 9207
        raise refused("the response is that of another provider")
    if error or not code:
        raise refused(f"the provider reports {error[:100] or 'nothing'}")
    return begun


async def _logged_in(request: Request, runtime: ConsoleRuntime, begun: BegunLogin, code: str) -> Response:
    provider = _provider(runtime)
    claims = await provider.claims(begun, code, redirect_uri=_redirect_uri(request))
    session = await run_in_threadpool(
        log_in_by_claims,
        runtime.store,
        provider.settings,
        claims,
        address=request.client.host if request.client else "",
        agent=request.headers.get("User-Agent", ""),
        now=runtime.now(),
    )
    response = RedirectResponse(safe_next(request, begun.target), 303)
    set_cookie(response, request, session)
    return response


def _provider(runtime: ConsoleRuntime) -> OpenIdProvider:
    if runtime.openid is None:
        raise RequestError("There is no such page.", hint="The address may be mistyped.", code="not_found")
    return runtime.openid


def _redirect_uri(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{root_of(request)}/openid/callback"


def _path(request: Request) -> str:
    return f"{root_of(request)}/openid/"


def _cookie(runtime: ConsoleRuntime) -> str:
    return f"{runtime.cookie}_openid"
