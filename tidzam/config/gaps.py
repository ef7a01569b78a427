"""The settings of the gap ledger."""

from __future__ import annotations

from pydantic import Field

from tidzam.config.section import Section


class GapSettings(Section):
    """The gap ledger: when channels had no valid audio, one file per day in the folder `gaps` of the home."""

    keep_days: int | None = Field(
        None, ge=1, description="Days after which the files of the gap ledger are deleted; by default they are kept"
    )
