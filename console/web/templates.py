"""Pages from templates: what all of them are given, and the filters they use."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from console.accounts.visitor import Visitor, stranger
from console.web.navigation import navigation_of
from console.web.runtime import runtime_of
from console.web.urls import STATIC, local_path, route_path
from console.web.user_agents import browser_name
from tidzam import __version__
from tidzam.accounts.roles import Permission

FOLDER: Final = Path(__file__).parent.parent / "templates"
STATIC_FOLDER: Final = FOLDER.parent / "static"


def render(
    request: Request,
    template: str,
    *,
    visitor: Visitor | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """A page. Without `visitor`, as for errors, it has no navigation.

    Templates use `path("/users")` and `static("css/base.css")` for addresses, `icon("users")` and `when(time)`.
    """
    runtime = runtime_of(request)
    visitor = visitor or stranger("", anonymous=False)

    def path(target: str, **parameters: str) -> str:
        return local_path(request, target, **parameters)

    context: dict[str, Any] = {
        "path": path,
        "static": lambda name: path(f"{STATIC}/{name}", v=_version_of(name)),
        "icon": lambda name: _icon(path(f"{STATIC}/icons.svg", v=_version_of("icons.svg")), name),
        "when": lambda time, style="minutes": _when(runtime.time_zone, time, style),
        "browser_name": browser_name,
        "visitor": visitor,
        "may_annotate": visitor.may(Permission.ANNOTATE),
        "may_manage": visitor.may(Permission.MANAGE),
        "navigation": navigation_of(visitor),
        "here": route_path(request),
        "node": runtime.settings.node.known_as,
        "version": __version__,
        **values,
    }
    page = _environment().get_template(template).render(context)
    # names of files that are not UTF-8 are shown with escape sequences
    return HTMLResponse(page.encode(errors="backslashreplace"), status, dict(headers or {}))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["with_code"] = with_code
    return environment


def with_code(text: str) -> Markup:
    """A message in HTML: what is between backticks, such as a command, is shown as code.

    >>> with_code("Run `tidzam search index` <now>.")
    Markup('Run <code>tidzam search index</code> &lt;now&gt;.')
    """
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


@cache
def _version_of(name: str) -> str:
    """A short hash of a static file, so that browsers may keep it until it changes."""
    return hashlib.sha256((STATIC_FOLDER / name).read_bytes()).hexdigest()[:12]


def _icon(sprite: str, name: str) -> Markup:
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>').format(sprite, quote(name))


def _when(zone: Any, time: datetime | None, style: str) -> Markup:
    """A time in the node's zone, whose title is the one in UTC."""
    if time is None:
        return Markup('<span class="quiet">never</span>')
    local = time.astimezone(zone)
    form = {"minutes": "%Y-%m-%d %H:%M", "seconds": "%Y-%m-%d %H:%M:%S", "clock": "%H:%M:%S", "day": "%Y-%m-%d"}[style]
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        time.isoformat(timespec="seconds"), time.strftime("%Y-%m-%d %H:%M:%S UTC"), local.strftime(form)
    )
