"""Settings of the store: the database of what was heard, recorded and annotated."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from tidzam.config.secret import Secret
from tidzam.config.section import Section

_SCHEMES: Final = frozenset({"postgresql", "postgres", "postgresql+psycopg"})


class StoreSettings(Section):
    """The store: the database of what was heard, recorded and annotated."""

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
