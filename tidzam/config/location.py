"""Settings of the place where a node listens."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from tidzam.config.section import Section


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError("it is not a time zone; expected for example Europe/Paris or UTC") from None
    except KeyError:
        raise ValueError("there is no such time zone; expected for example Europe/Paris or UTC") from None
    return name


class LocationSettings(Section):
    """Where the node listens. Dawn and dusk follow from it."""

    latitude: float = Field(ge=-90, le=90, description="Degrees north of the equator; south is negative")
    longitude: float = Field(ge=-180, le=180, description="Degrees east of Greenwich; west is negative")
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        "UTC", description="Time zone of the times of day in the profile, such as `America/New_York`"
    )
    twilight_deg: float = Field(
        6.0,
        gt=0,
        le=18,
        description="It is dawn or dusk while the sun is at most this many degrees below or above the horizon; at 6, "
        "for about an hour around sunrise and sunset at middle latitudes",
    )
