"""The refusal of a change of what somebody else has changed meanwhile."""

from __future__ import annotations

from typing import Final

from console.services.annotations.models import AnnotationView
from tidzam.errors import RequestError

CONFLICT: Final = "conflict"


class AnnotationConflictError(RequestError):
    """An annotation has another version than the one that was to be changed. `current` is None if it is deleted."""

    code = CONFLICT

    def __init__(self, current: AnnotationView | None) -> None:
        what = "deleted" if current is None else "changed"
        hint = "Make another one if it is needed." if current is None else "Look at it, and change that version."
        super().__init__(f"The annotation was {what} meanwhile.", hint=hint)
        self.current = current
