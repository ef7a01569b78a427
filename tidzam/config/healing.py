"""The settings of how streams heal: time-outs, and delays before a source is loaded again."""

from __future__ import annotations

from pydantic import Field, model_validator

from tidzam.config.section import Section


class HealingSettings(Section):
    """When a source that does not play as it should is loaded again."""

    connect_timeout_s: float = Field(
        10.0,
        ge=1,
        description="Seconds that a server may send nothing while it is connected to; the whole connection may take "
        "twice as long",
    )
    no_data_timeout_s: float = Field(
        30.0, ge=2, description="A source from which no data has arrived for this many seconds is loaded again"
    )
    unhealthy_timeout_s: float = Field(
        900.0,
        ge=5,
        description="A live source all of whose channels have been digitally silent or stuck for this many seconds is "
        "loaded again",
    )
    first_delay_s: float = Field(1.0, gt=0, description="Seconds before the first retry; the delay then doubles")
    max_delay_s: float = Field(120.0, gt=0, description="Maximum number of seconds before a retry")
    jitter: float = Field(0.5, ge=0, lt=1, description="Largest fraction of a delay that is left out at random")
    stable_after_s: float = Field(
        30.0, gt=0, description="Seconds that a source has to play well until its next failure counts as the first"
    )
    permanent_fault_delay_s: float = Field(
        120.0,
        gt=0,
        description="Seconds before a retry after a fault that a person has to fix, such as a missing file; the "
        "maximum for an address at which its server has nothing yet (status 404)",
    )

    @model_validator(mode="after")
    def _ordered_delays(self) -> HealingSettings:
        if self.first_delay_s > self.max_delay_s:
            raise ValueError(f"first_delay_s is {self.first_delay_s:g}, above max_delay_s, {self.max_delay_s:g}")
        return self

    @property
    def player_network_timeout_s(self) -> float:
        """How long a player waits for a server that sends nothing.

        Longer than the source waits for the player: only the source waits until what was read ahead has been played.
        """
        return 2 * self.no_data_timeout_s + self.connect_timeout_s
