"""Static files: style sheets, scripts and icons."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import FileResponse

from console.web.permissions import public
from console.web.templates import STATIC_FOLDER
from console.web.urls import STATIC
from tidzam.errors import RequestError

router = APIRouter(include_in_schema=False)

_KINDS: Final = frozenset({".css", ".js", ".svg", ".png", ".webp", ".ico", ".webmanifest"})
_FOREVER: Final = "public, max-age=31536000, immutable"


@router.get(STATIC + "/{name:path}", dependencies=[public()])
def static_file(request: Request, name: str) -> FileResponse:
    """A file; with the parameter `v`, the hash of its content, browsers keep it. Raises RequestError (`not_found`)."""
    path = _file(name)
    if path is None:
        raise RequestError("There is no such file.", hint="The address may be mistyped.", code="not_found")
    return FileResponse(path, headers={"Cache-Control": _FOREVER if "v" in request.query_params else "no-cache"})


def _file(name: str) -> Path | None:
    """The file called `name`; None if there is none, if it is elsewhere, or if it is not for browsers."""
    try:
        path = (STATIC_FOLDER / name).resolve()
        is_ours = path.is_relative_to(STATIC_FOLDER) and path.suffix in _KINDS
        return path if is_ours and path.is_file() else None
    except (OSError, ValueError):  # a name that is too long, or holds a null
        return None
