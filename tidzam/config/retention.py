"""Settings of the store's retention: how long what a node has heard stays in the store."""

from __future__ import annotations

from pydantic import Field

from tidzam.config.section import Section


class StoreRetentionSettings(Section):
    """How long rows stay in the store. By default, all stay. The counts of detections per hour and day always do."""

    detections_days: float | None = Field(
        None,
        ge=1,
        description="Days after which detections of this node are removed, by the time at which they were heard; those "
        "that somebody has marked or judged stay",
    )
    audit_days: float | None = Field(None, ge=1, description="Days after which entries of the audit log are removed")
    every_minutes: float = Field(60.0, ge=1, description="Minutes between two runs, which the console makes")
