"""Settings of the store's retention: how long what a node has heard stays in the store."""

from __future__ import annotations

from pydantic import Field

from tidzam.config.section import Section


class StoreRetentionSettings(Section):
    """How long rows stay in the store. By default, all but those of old jobs do.

    The counts of detections per hour and day always stay, and so do detections that somebody has marked or judged,
    annotations, and the rows of recordings, which are removed with their files.
    """

    detections_days: float | None = Field(
        None, ge=1, description="Days after which detections of this node are removed, by the time they were heard"
    )
    detections_max: int | None = Field(
        None,
        ge=1,
        description="Number of detections of this node above which the oldest are removed; those that are starred or "
        "judged stay, and do not count",
    )
    max_gb: float | None = Field(
        None,
        gt=0,
        description="Size of the content of the SQLite file in GB (10^9 bytes) above which the oldest detections are "
        "removed, but for those of the last 7 days; its file does not become smaller",
    )
    min_free_gb: float | None = Field(
        None,
        gt=0,
        description="Remove the oldest detections, but for those of the last 7 days, while the SQLite file can take "
        "less than this many GB: what is free on its disk and in the file",
    )
    gaps_days: float | None = Field(
        None, ge=1, description="Days after which gaps of this node, and when its sources were loaded, are removed"
    )
    jobs_days: float | None = Field(
        365.0, ge=1, description="Days after their end at which jobs of this node are removed; null keeps them"
    )
    audit_days: float | None = Field(None, ge=1, description="Days after which entries of the audit log are removed")
    every_minutes: float = Field(60.0, ge=1, description="Minutes between two runs, which the console makes")

    @property
    def limits_bytes(self) -> bool:
        """Whether the size of the store, or what is free on its disk, is limited."""
        return self.max_gb is not None or self.min_free_gb is not None
