"""HTTP routes that a program adds to its server, and folders of static files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from tidzam.server.access import Client, Right

RouteHandler = Callable[[web.Request, Client], Awaitable[web.StreamResponse]]
"""From a request and its sender to the response. It may raise TidzamError, which is answered with status 400."""


@dataclass(frozen=True)
class Route:
    """A handler for one method and path, in aiohttp's syntax (`/sources/{name}`).

    A route for GET answers HEAD, too. `needs` is the right that the sender must have; None serves everybody, such as a
    login page.
    """

    method: str
    path: str
    handler: RouteHandler
    needs: Right | None = Right.MANAGE


def static_route(prefix: str, folder: Path, *, needs: Right | None) -> Route:
    """A route that serves the files in `folder` below the path `prefix`. Links that lead out of it are not followed."""
    root = folder.resolve()

    async def serve(request: web.Request, client: Client) -> web.StreamResponse:
        path = _file_in(root, request.match_info["file"])
        if path is None:
            return refusal(404, "not_found")
        return web.FileResponse(path, headers={"X-Content-Type-Options": "nosniff"})

    return Route("GET", f"{prefix.rstrip('/')}/{{file:.+}}", serve, needs)


def _file_in(root: Path, name: str) -> Path | None:
    """The regular file `name` in `root`; None if there is none, or if it is elsewhere."""
    try:
        path = (root / name).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None
    except (OSError, ValueError):  # a name that is too long, or holds a null
        return None


def refusal(status: int, code: str) -> web.Response:
    """An error response that reveals no more than its code."""
    return web.json_response({"error": {"code": code, "message": code, "field": None}}, status=status)
