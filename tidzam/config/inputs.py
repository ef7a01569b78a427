"""The settings of sources that come from ports of the JACK server, such as a sound card."""

from __future__ import annotations

from pydantic import Field

from tidzam.config.section import Names, Section


class InputSettings(Section):
    """Ports of JACK's driver, such as those of a sound card, that are a source."""

    ports: Names | None = Field(
        None, min_length=1, description="JACK ports, such as `system:capture_1`; by default all that are captured"
    )
