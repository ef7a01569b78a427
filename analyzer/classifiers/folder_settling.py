"""When folders that are observed again and again have changed, and have been quiet since. Pure."""

from __future__ import annotations

from collections.abc import Hashable


class FolderSettling:
    """Compares the states of folders. A change counts once it has lasted for `settle_s` seconds, so that files which
    are still being copied are left alone. One that is undone before that does not count."""

    def __init__(self, state: Hashable, *, settle_s: float) -> None:
        """`state` is the one that is known already."""
        self._known = self._last = state
        self._settle_s, self._since_s = settle_s, 0.0

    def accept(self, state: Hashable) -> None:
        """`state` is known now."""
        self._known = state

    def observe(self, state: Hashable, now_s: float) -> bool:
        """Whether `state`, observed at `now_s`, is new and has lasted. It is known from then on."""
        if state != self._last:
            self._last, self._since_s = state, now_s
        if state == self._known or now_s - self._since_s < self._settle_s:
            return False
        self._known = state
        return True
