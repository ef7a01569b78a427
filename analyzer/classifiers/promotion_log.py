"""What was promoted in this run and before: kept in the node's home, so that it runs again after a restart."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.promotions import Promotions, chosen_cascade, read_promotions, unusable, write_promotions
from tidzam.bundle.versions import forget_versions, kept_versions
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import TidzamError
from tidzam.paths import models_folder

log = logging.getLogger(__name__)


class PromotionLog:
    """The cascades that were live one after the other. Without a `home`, they are forgotten at the end."""

    def __init__(self, home: Path | None, promotions: Promotions) -> None:
        self._home, self._promotions = home, promotions
        self.is_kept = home is not None
        """Whether the present state survives a restart."""

    @classmethod
    def of(
        cls, settings: AnalyzerSettings, home: Path | None, *, fault: TidzamError | None = None
    ) -> tuple[PromotionLog, str | None]:
        """The log of a node with these settings, and why what was promoted before does not run, if that is so: its
        bundles are not valid, or it has a `fault` that was found when it was loaded."""
        own = CascadeChoice(settings.nn, settings.models)
        choice, refusal = chosen_cascade(settings, home) if fault is None else (own, unusable(fault))
        if refusal is not None:
            log.error("%s", refusal)
        return cls(home, Promotions.none(own) if choice == own else read_promotions(home, own)), refusal

    @property
    def live(self) -> CascadeChoice:
        return self._promotions.live.choice

    def before(self, promotions: int = 1) -> CascadeChoice | None:
        """What ran before the last so many `promotions`; None if there were fewer."""
        entries = self._promotions.entries
        return entries[-1 - promotions].choice if promotions < len(entries) else None

    @property
    def previous_bundles(self) -> dict[str, str] | None:
        """The versions of its bundles when it ran."""
        previous = self._promotions.previous
        return None if previous is None else dict(previous.bundles)

    def promoted(self, choice: CascadeChoice, bundles: Mapping[str, str], *, before: Mapping[str, str]) -> None:
        """`choice` has taken over from classifiers whose bundles had the versions `before`.

        The installed models of both are kept in these versions: `choice` stays as it is whatever becomes of them, and a
        rollback returns to what ran.
        """
        ran = self._promotions.ran(self._with_versions(self.live, before))
        kept = self._with_versions(choice, bundles)
        self._keep(ran.promoted(kept, bundles, before=before, now=datetime.now(UTC)))
        self._forget_versions()

    def _with_versions(self, choice: CascadeChoice, bundles: Mapping[str, str]) -> CascadeChoice:
        if self._home is None:
            return choice
        try:
            models = kept_versions(models_folder(self._home), choice.models, tuple(bundles.values()))
        except OSError as error:  # as of a full disk: they run as their folders hold them
            log.error("the present versions of %s cannot be kept: %s", ", ".join(choice.models), error)
            return choice
        return replace(choice, models=models)

    def rolled_back(self, bundles: Mapping[str, str], promotions: int = 1) -> None:
        """What ran before the last so many `promotions` has taken over."""
        self._keep(self._promotions.rolled_back(bundles, promotions))

    def _forget_versions(self) -> None:
        """Delete versions to which no rollback leads any more."""
        if self._home is not None:
            names = [name for one in self._promotions.entries for name in one.models]
            try:
                forget_versions(models_folder(self._home), names)
            except OSError as error:  # they only take space
                log.warning("earlier versions of models cannot be deleted: %s", error)

    def _keep(self, promotions: Promotions) -> None:
        self._promotions = promotions
        if self._home is None:
            return
        try:
            write_promotions(self._home, promotions)
            self.is_kept = True
        except OSError as error:  # a full disk must not end the analyzer
            self.is_kept = False
            log.error("the live classifiers will not run after a restart: %s", error)
