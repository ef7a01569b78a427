"""Paths of the console as a browser sees them: below the path of a reverse proxy, if there is one."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request

API: Final = "/api/"
STATIC: Final = "/static"


def local_path(request: Request, path: str, *, query: str = "", **parameters: str) -> str:
    """`path` below the root path, with parameters. `query` is the one of the page in the parameter `next`."""
    if query and "next" in parameters:
        parameters["next"] += f"?{query}"
    given = {name: value for name, value in parameters.items() if value}
    return f"{root_of(request)}{path}{'?' + urlencode(given) if given else ''}"


def root_of(request: Request) -> str:
    """The path under which a reverse proxy serves the console, or nothing."""
    root: str = request.app.state.runtime.settings.console.root_path
    return root


def route_path(request: Request) -> str:
    """The path of a request below the root path."""
    return request.url.path.removeprefix(root_of(request))


def is_api(request: Request) -> bool:
    """Whether a program asks, which expects JSON, rather than a browser that shows a page."""
    path = route_path(request)
    return path.startswith(API) and path != "/api/docs"


def safe_next(request: Request, target: str) -> str:
    """Where to go after the log-in: `target` if it is a page of the console, else the first page."""
    root = root_of(request)
    is_own = target.startswith(f"{root}/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_own and "\\" not in target else f"{root}/"
