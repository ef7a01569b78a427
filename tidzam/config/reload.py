"""Settings of reloading the classifiers of the running analyzer."""

from __future__ import annotations

from pydantic import Field

from tidzam.config.section import Section


class ReloadSettings(Section):
    """When the running analyzer loads its classifiers again, besides on request and on SIGHUP."""

    watch: bool = Field(True, description="Load them again when the files of their bundles have changed")
    settle_s: float = Field(
        2.0, ge=0.5, le=600, description="Seconds for which changed files must be left alone before they are loaded"
    )
