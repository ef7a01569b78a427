"""Hostile messages: valid ones with parts replaced, removed, renamed or nested, and values of no use at all."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]

NAMES = ("sys", "loadsource", "name", "url", "channels", "__proto__", "constructor", "", "x" * 300, "\0", "name ")
TEXTS = (
    "../../etc/passwd",
    "file:///etc/passwd",
    "http://[::1",
    "http://169.254.169.254/",
    "--script=/tmp/x.lua",
    "concat:/etc/passwd|/etc/hosts",
    "data:audio/wav;base64,AA==",
    "edl://x",
    "$(reboot)",
    "'; drop table sources; --",
    "%s%n{0}",
    "\ud83d\ude00",
    "9" * 5000,
    "x" * 9000,
    "\0",
    "NaN",
)


def _nested(depth: int) -> Any:
    value: Any = 0
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, -(2**64), 10**18, 0.0, -0.0, 1e308, -1e-320])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(TEXTS)
    | st.text(max_size=20)
    | st.binary(max_size=40)
    | st.builds(_nested, st.integers(1, 60))
    | st.lists(st.integers(), max_size=3)
    | st.dictionaries(st.sampled_from(NAMES), st.integers(), max_size=3)
    | st.builds(lambda count: list(range(count)), st.sampled_from([0, 1, 300, 5000]))
)
"""Values of every type that JSON and binary attachments have, small, large and deep."""


def mutations(valid: Sequence[Any]) -> st.SearchStrategy[Any]:
    """One of the messages `valid`, changed in one to three places, or a value alone."""
    return _changed(valid) | VALUES


@st.composite
def _changed(draw: st.DrawFn, valid: Sequence[Any]) -> Any:
    message = copy.deepcopy(draw(st.sampled_from(valid)))
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.sampled_from(list(_paths(message))))
        change = draw(st.sampled_from([_replace, _remove, _rename, _add, _wrap]))
        message = change(draw, message, where)
    return message


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """The place of every value in `value`."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _paths(inner, (*path, key))


def _at(message: Any, path: Path) -> Any:
    for key in path:
        message = message[key]
    return message


def _put(message: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    _at(message, path[:-1])[path[-1]] = value
    return message


Change = Callable[[st.DrawFn, Any, Path], Any]


def _replace(draw: st.DrawFn, message: Any, path: Path) -> Any:
    return _put(message, path, draw(VALUES))


def _remove(draw: st.DrawFn, message: Any, path: Path) -> Any:
    if not path:
        return None
    del _at(message, path[:-1])[path[-1]]
    return message


def _rename(draw: st.DrawFn, message: Any, path: Path) -> Any:
    if not path or not isinstance(path[-1], str):
        return message
    holder = _at(message, path[:-1])
    holder[draw(st.sampled_from(NAMES))] = holder.pop(path[-1])
    return message


def _add(draw: st.DrawFn, message: Any, path: Path) -> Any:
    here = _at(message, path)
    if isinstance(here, dict):
        here[draw(st.sampled_from(NAMES))] = draw(VALUES)
    return message


def _wrap(draw: st.DrawFn, message: Any, path: Path) -> Any:
    return _put(message, path, draw(st.sampled_from([[_at(message, path)], {"sys": _at(message, path)}])))
