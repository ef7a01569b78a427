"""Who sends a request, and whether they may: the dependencies of every route."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from console.accounts.recognition import by_cookie, by_proxy, by_token
from console.accounts.visitor import Visitor, stranger
from console.web.runtime import ConsoleRuntime, runtime_of
from tidzam.accounts.roles import Permission
from tidzam.errors import RequestError
from tidzam.server.access import is_foreign_origin
from tidzam.tokens import same_token

CSRF_FIELD: Final = "csrf_token"
CSRF_HEADER: Final = "X-CSRF-Token"
PROXY_USER: Final = "proxy_user"
"""The key of a request's scope under which a trusted proxy's user is kept (`console.web.proxies`)."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")

Runtime = Annotated[ConsoleRuntime, Depends(runtime_of)]


def visitor_of(request: Request, runtime: Runtime) -> Visitor:
    """The sender of a request: by API token, then by a trusted proxy, then by the cookie. It may block."""
    address = request.client.host if request.client else ""
    now, store = runtime.now(), runtime.store
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    found: Visitor | None = None
    if scheme.lower() == "bearer":
        found = by_token(store, given.strip(), address=address, now=now)
        return found or stranger(address, anonymous=False)
    if proxy_user := request.scope.get(PROXY_USER):
        found = by_proxy(store, str(proxy_user), address=address)
    elif cookie := request.cookies.get(runtime.cookie):
        found = by_cookie(store, runtime.sessions, cookie, address=address, now=now)
    return found or stranger(address, anonymous=runtime.settings.console.anonymous)


CurrentVisitor = Annotated[Visitor, Depends(visitor_of)]


class Needs:
    """The dependency of a route that requires a permission, and protects it against forged requests."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request, visitor: CurrentVisitor) -> Visitor:
        if not visitor.may(self.permission):
            raise not_logged_in() if not visitor.is_known else forbidden()
        await _require_not_forged(request, visitor)
        return visitor


class Public:
    """The dependency of a route that everybody may call, such as the log-in. Forged requests are refused, too."""

    async def __call__(self, request: Request) -> None:
        _require_own_page(request)


def needs(permission: Permission) -> Any:
    """A parameter `visitor: Visitor = needs(…)`, or an entry of `dependencies`, of a route."""
    return Depends(Needs(permission))


def public() -> Any:
    """An entry of `dependencies` of a route that everybody may call."""
    return Depends(Public())


def route_permissions(routes: Sequence[BaseRoute]) -> dict[tuple[str, str], Permission | None]:
    """What each of `routes` requires, by its method and path; None if it is public.

    Raises LookupError for a route that states neither, or that has no dependencies, such as a mounted folder.
    """
    return {
        (method, str(context.path)): _permission_of(context.route)
        for context in iter_route_contexts(routes)
        for method in context.methods or ("GET",)
    }


def _permission_of(route: BaseRoute) -> Permission | None:
    dependencies = route.dependant.dependencies if isinstance(route, APIRoute) else ()
    for dependency in dependencies:
        if isinstance(dependency.call, Needs):
            return dependency.call.permission
        if isinstance(dependency.call, Public):
            return None
    raise LookupError(f"the route {getattr(route, 'path', route)} states no permission")


def not_logged_in() -> RequestError:
    """The error of a request that requires a user."""
    return RequestError("You are not logged in.", hint="Log in first, or send a token.", code="not_logged_in")


def forbidden() -> RequestError:
    """The error of a request that its user may not make."""
    return RequestError("You may not do this.", hint="Ask an admin for another role.", code="forbidden")


async def _require_not_forged(request: Request, visitor: Visitor) -> None:
    """Raises RequestError (`csrf`) for a change that another site's page may have sent with the visitor's cookie."""
    if request.method in _SAFE:
        return
    _require_own_page(request)
    if visitor.session is None:  # a token is not sent by itself; a proxy's user is protected by the origin alone
        return
    given: object = request.headers.get(CSRF_HEADER)
    if given is None and request.headers.get("Content-Type", "").startswith(_FORMS):
        given = (await request.form()).get(CSRF_FIELD)
    if not same_token(given, visitor.csrf_token):
        raise _forged()


def _require_own_page(request: Request) -> None:
    origins = frozenset(origin.lower().rstrip("/") for origin in runtime_of(request).settings.access.origins)
    if request.method not in _SAFE and is_foreign_origin(request.headers, origins=origins):
        raise _forged()


def _forged() -> RequestError:
    return RequestError(
        "This request did not come from a page of the console, or the page is too old.",
        hint=f"Load the page again; programs send the header {CSRF_HEADER} with what /api/v1/session returns.",
        code="csrf",
    )
