"""Settings of the classes that are reported at a node's location."""

from __future__ import annotations

from pydantic import Field

from tidzam.config.section import Names, Section


class RangeSettings(Section):
    """Which classes are reported at the node's `location`. Classes are named by label or by scientific name."""

    min_probability: float = Field(
        0.03,
        ge=0,
        le=1,
        description="Probability that a species occurs there in the week of a window, from which it is reported. Needs "
        "`location`, and a model that knows ranges",
    )
    include: Names = Field((), description="Species that are reported although they are unlikely there")
    exclude: Names = Field((), description="Classes that are never reported, nor are those below them")
