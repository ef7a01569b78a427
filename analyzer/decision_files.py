"""What is decided beside the profile: files in the home that the console writes, and the live analyzer follows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, Never

from tidzam.class_rules import class_rules_file, read_class_rules
from tidzam.config.decision import PriorSettings
from tidzam.errors import ConfigError
from tidzam.inference.decision_policy import DecisionPolicy
from tidzam.labels import LabelTree
from tidzam.time_models.prior import TimePrior
from tidzam.time_models.prior_file import read_time_models, time_models_file

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 2.0
FileStates = tuple[tuple[int, int, int] | None, ...]


class DecisionFiles:
    """The files that change decisions while the analyzer runs: `home`, the node's, holds them."""

    def __init__(self, settings: PriorSettings, home: Path | None) -> None:
        self._settings, self._home = settings, home

    @property
    def _paths(self) -> tuple[Path, ...]:
        return class_rules_file(self._home), time_models_file(self._home)

    def apply(self, policy: DecisionPolicy) -> None:
        """Let a policy decide by what the files say now. One that cannot be read is logged, and changes nothing."""
        try:
            floors = read_class_rules(self._home).floors(policy.labels)
            policy.use(floors=floors, prior=self._prior(policy.labels))
        except ConfigError as error:
            log.error("%s", error)

    def _prior(self, labels: LabelTree) -> TimePrior | None:
        models = read_time_models(self._home) if self._settings.enabled else None
        return None if models is None else TimePrior(models, labels, max_factor=self._settings.max_factor)

    def states(self) -> FileStates:
        """By which a change of the files is seen."""
        return tuple(map(_state, self._paths))


class DecisionFollower:
    """Applies the files to the policies that decide, when files or policies have changed."""

    def __init__(self, files: DecisionFiles, policies: Callable[[], tuple[DecisionPolicy, ...]]) -> None:
        self._files, self._policies = files, policies
        self._known: tuple[FileStates, tuple[int, ...]] | None = None

    async def run(self) -> Never:
        """Look again and again, until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except Exception:  # a fault in a file must not end the analyzer
                log.exception("decisions about classes cannot be followed")
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Apply what has changed since the last call."""
        policies = self._policies()
        found = self._files.states(), tuple(map(id, policies))
        if found == self._known:
            return
        if self._known is not None and found[0] != self._known[0]:
            log.info("decisions about classes have changed")
        for policy in policies:
            self._files.apply(policy)
        self._known = found


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
