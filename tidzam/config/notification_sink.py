"""The settings of notifications to people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tidzam.config.recordings import TimeZoneName
from tidzam.config.secret import Secret
from tidzam.config.sink_base import ArchiveUse, DetectionFilter, SinkSettings, SpoolSettings


class NotificationRule(DetectionFilter):
    """Which detections people are notified of, and how often."""

    first_of_day: bool = Field(False, description="Only the first detection of each class on a day")
    interval_s: float = Field(
        600.0, ge=0, description="Seconds after a notification in which this rule causes no further one of the class"
    )


class NotificationSinkSettings(SpoolSettings, SinkSettings):
    """Notifications by mail, Telegram, ntfy and many other services. Needs the part `notify`."""

    for_archives: ClassVar[ArchiveUse] = "if_chosen"

    type: Literal["notify"] = Field("notify", description="Notifies people through Apprise")
    urls: Annotated[tuple[Secret, ...], Field(min_length=1)] = Field(
        description="Addresses of Apprise (https://appriseit.com/services): texts, `{env: NAME}` or `{file: PATH}`"
    )
    rules: tuple[NotificationRule, ...] = Field(
        (NotificationRule(),), description="A detection is reported once, if one of the rules permits it"
    )
    per_hour: int = Field(30, ge=1, description="Maximum number of notifications per hour, of all rules together")
    time_zone: TimeZoneName | None = Field(
        None, description="Time zone of days and of the times in notifications; by default that of `location`, else UTC"
    )
    memory: Path | None = Field(
        None, description="File that keeps what was notified over a restart; by default, one in `spool/` in the home"
    )
    expire_s: float = Field(
        86_400.0, gt=0, description="Seconds for which a service that is away is tried; then people are not notified"
    )
    timeout_s: float = Field(30.0, gt=0, description="Time allowed for one notification")
