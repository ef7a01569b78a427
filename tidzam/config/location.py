"""Settings of the place where a node listens."""

from __future__ import annotations

from pydantic import Field

from tidzam.config.recordings import TimeZoneName
from tidzam.config.section import Section


class LocationSettings(Section):
    """Where the node listens. Dawn and dusk follow from it."""

    latitude: float = Field(ge=-90, le=90, description="Degrees north of the equator; south is negative")
    longitude: float = Field(ge=-180, le=180, description="Degrees east of Greenwich; west is negative")
    time_zone: TimeZoneName = Field("UTC", description="Time zone of days and times of day, such as `America/New_York`")
    twilight_deg: float = Field(
        6.0,
        gt=0,
        le=18,
        description="It is dawn or dusk while the sun is at most this many degrees below or above the horizon; at 6, "
        "for about an hour around sunrise and sunset at middle latitudes",
    )
