"""Paths in restored settings: what was in the old home, or beside it, is in the new one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any


def relocated(value: Any, places: Mapping[str, str]) -> Any:
    """JSON values in which every path is replaced that is one of `places` or lies below one: old place to new one.

    >>> relocated({"path": "/old/clips", "url": "http://old/x"}, {"/old": "/new"})
    {'path': '/new/clips', 'url': 'http://old/x'}
    """
    if isinstance(value, Mapping):
        return {key: relocated(inner, places) for key, inner in value.items()}
    if isinstance(value, list):
        return [relocated(inner, places) for inner in value]
    return _moved(value, places) if isinstance(value, str) and value.startswith("/") else value


def _moved(path: str, places: Mapping[str, str]) -> str:
    for old in sorted(places, key=len, reverse=True):
        if PurePath(path).is_relative_to(old):
            return str(PurePath(places[old]) / PurePath(path).relative_to(old))
    return path
