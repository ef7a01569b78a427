"""Settings of the shadow cascade: classifiers that are tried on live sound beside those that are live."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from tidzam.config.section import Names, Section


class ShadowSettings(Section):
    """A second cascade that analyzes the same windows at low priority, and is compared with the live one."""

    nn: Path | None = Field(None, description="Folder of bundles")
    models: Names = Field((), description="Installed models that are part of it, beside the bundles of `nn`")

    @model_validator(mode="after")
    def _names_something(self) -> ShadowSettings:
        if self.nn is None and not self.models:
            raise ValueError("a shadow needs nn, models, or both")
        return self
