"""The settings of sources that come from ports of the JACK server, such as a sound card."""

from __future__ import annotations

from pydantic import Field

from tidzam.config.section import Names, Section


class InputSettings(Section):
    """Ports of JACK's driver, such as those of a sound card, that are a source; at an edge node, a sound card."""

    ports: Names | None = Field(
        None, min_length=1, description="JACK ports, such as `system:capture_1`; by default all that are captured"
    )
    device: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][^\s]*$",
        description="Sound card of an edge node, as ALSA names it, such as `plughw:1`; by default `default`",
    )
    rate_hz: int | None = Field(
        None, ge=8000, le=384000, description="Sample rate of that sound card in Hz; by default 48000"
    )
