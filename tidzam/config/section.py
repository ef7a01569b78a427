"""The base class of all settings sections, and field types that several sections share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from tidzam.text import comma_list

log = logging.getLogger(__name__)


class Section(BaseModel):
    """Immutable settings; unknown names are errors, and so are numbers that are infinite or none."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _names(value: object) -> object:
    """Allow `a,b` for `[a, b]`."""
    return comma_list(value) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
"""A list of names, or a string with commas."""


def renamed(section: str, **names: str) -> Callable[[object], object]:
    """A `before` validator of a section that accepts settings by their old names (old=new), with a warning."""

    def rename(values: object) -> object:
        found = {old: new for old, new in names.items() if isinstance(values, Mapping) and old in values}
        if not isinstance(values, Mapping) or not found:
            return values
        for old, new in found.items():
            if new in values:
                raise ValueError(f"{section}.{new} is set twice, also by its old name {section}.{old}")
            log.warning("setting %s.%s is deprecated; use %s.%s", section, old, section, new)
        return {found.get(name, name): value for name, value in values.items()}

    return rename


def moved(section: str, **places: str) -> Callable[[object], object]:
    """A `before` validator of a section that accepts settings in their old places (old=SECTION.new), with a warning."""

    def move(values: object) -> object:
        if not isinstance(values, Mapping):
            return values
        changed = dict(values)
        for old in places.keys() & values.keys():
            subsection, _, new = places[old].partition(".")
            inner = changed.get(subsection, {})
            if not isinstance(inner, Mapping) or new in inner:
                raise ValueError(f"{section}.{places[old]} is set twice, also by its old name {section}.{old}")
            log.warning("setting %s.%s is deprecated; use %s.%s", section, old, section, places[old])
            changed[subsection] = {**inner, new: changed.pop(old)}
        return changed

    return move
