"""Settings of what other nodes forward to this one."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tidzam.config.section import Section


class ForwardedSettings(Section):
    """What other nodes may forward to this one: each needs an account with the role `node`."""

    folder: Path | None = Field(
        None, description="Folder of their clips, `NODE/CLASS/` in it; by default, `forwarded/` in the home"
    )
    gigabytes: float = Field(
        20.0, gt=0, description="Total size of their clips in GB, above which no further ones are accepted"
    )
    free_gigabytes: float = Field(1.0, ge=0, description="Space in GB that their clips leave free on the disk")
    clip_mb: float = Field(64.0, gt=0, description="Maximum size of a clip in MB")
    uploads: int = Field(200, ge=1, description="Maximum number of uploads of a node that are not complete")
    expire_h: float = Field(
        168.0, gt=0, description="Hours without progress after which an upload that is not complete is deleted"
    )
