"""The page with which a browser streams its microphone: `/live/` on the stream manager's server."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiohttp import web

from tidzam.server import Client, Route, Server

PREFIX: Final = "/live"
FOLDER: Final = Path(__file__).parent / "static"


async def _redirect(request: web.Request, client: Client) -> web.StreamResponse:
    raise web.HTTPFound(f"{PREFIX}/index.html")


def add_live_page(server: Server) -> None:
    """Serve the page to everybody: it contains nothing secret, and a browser cannot send a token for it."""
    server.add_routes(Route("GET", path, _redirect, needs=None) for path in (PREFIX, f"{PREFIX}/"))
    server.add_static(PREFIX, FOLDER, needs=None)
