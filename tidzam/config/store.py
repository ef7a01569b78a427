"""Settings of the store, the database of what was heard, recorded and annotated, and of its sink."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from tidzam.config.retention import StoreRetentionSettings
from tidzam.config.secret import Secret
from tidzam.config.sink_base import ArchiveUse, DetectionFilter, SinkSettings, SpoolSettings

_SCHEMES: Final = frozenset({"postgresql", "postgres", "postgresql+psycopg"})


class StoreSettings(SpoolSettings):
    """The store: the database of what was heard, recorded and annotated."""

    enabled: bool = Field(
        True, description="A node that runs keeps what it hears: detections, recordings, and gaps in what it hears"
    )
    url: str | None = Field(
        None,
        description="Address of a PostgreSQL database, `postgresql://USER@HOST/NAME` (needs the part `postgresql`); by "
        "default, the store is an SQLite file in the home",
    )
    password: Secret = Field(
        SecretStr(""), description="Password of the user in `url`: a text, `{env: NAME}` or `{file: PATH}`"
    )
    timeout_s: float = Field(
        10.0, ge=1, description="Seconds allowed for a connection, and for waiting until another program has written"
    )
    collect_s: float = Field(1.0, ge=0, description="Seconds for which records are collected into one transaction")
    spool: Path | None = Field(
        None, description="Folder in which records wait for the database; by default, one in `spool/` in the home"
    )
    spool_mb: float = Field(
        500.0, gt=0, description="Maximum size of the spool of a program in MB; above it, the oldest is deleted"
    )
    retention: StoreRetentionSettings = StoreRetentionSettings()

    @field_validator("url")
    @classmethod
    def _usable(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            parts = urlsplit(url)
            is_usable = parts.scheme in _SCHEMES and parts.port != 0 and len(parts.path) > 1
            has_password = parts.password is not None
        except ValueError:  # the port is not a number
            is_usable = has_password = False
        if has_password:
            raise ValueError("the address has a password; set store.password instead")
        if not is_usable:
            raise ValueError("expected the address of a PostgreSQL database, such as postgresql://tidzam@db/tidzam")
        return url

    @model_validator(mode="after")
    def _limits_what_it_can(self) -> Self:
        if self.url is not None and self.retention.limits_bytes:
            raise ValueError(
                "retention.max_gb and retention.min_free_gb are for the SQLite file; "
                "with url, limit retention.detections_days or retention.detections_max"
            )
        return self


LOCAL_STORE: Final = StoreSettings()
"""The store in the home."""


class StoreSinkSettings(DetectionFilter, SinkSettings):
    """Detections kept in the store. A node that runs has this sink anyway, for all detections, unless its `sinks` name
    it."""

    for_archives: ClassVar[ArchiveUse] = "if_chosen"

    type: Literal["store"] = Field("store", description="Keeps detections in the store")


def with_store(sinks: tuple[SinkSettings, ...]) -> tuple[SinkSettings, ...]:
    """The sinks, and that of the store unless it is among them."""
    if any(isinstance(sink, StoreSinkSettings) for sink in sinks):
        return sinks
    return (*sinks, StoreSinkSettings())
