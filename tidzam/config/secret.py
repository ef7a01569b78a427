"""Secrets in settings: given as text, by an environment variable, or by a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, PlainSerializer, SecretStr, model_validator

from tidzam.config.section import Section
from tidzam.errors import ConfigError


class SecretReference(Section):
    """Where a secret is kept instead of in the profile."""

    env: str | None = Field(None, description="Environment variable with the secret")
    file: Path | None = Field(None, description="File with the secret; white space at its ends is ignored")

    @model_validator(mode="after")
    def _one(self) -> SecretReference:
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret is a text, {env: NAME} or {file: PATH}")
        return self


PlainSecret = Annotated[
    SecretStr, PlainSerializer(lambda secret: secret.get_secret_value(), return_type=str, when_used="json")
]
"""A secret given as text. It is hidden in `repr`; the node's own copy of the profile, which only its owner can read,
holds it."""

Secret = SecretReference | PlainSecret


def reveal(secret: Secret, setting: str) -> str:
    """The secret itself. `setting` is its name in error messages. Raises ConfigError (`secret`) if it is not there."""
    if isinstance(secret, SecretStr):
        return secret.get_secret_value()
    if secret.env is not None:
        found = os.environ.get(secret.env)
        if found is None:
            raise _missing(setting, f"The environment variable {secret.env} is not set.")
        return found
    assert secret.file is not None
    try:
        return secret.file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "it is not UTF-8 text"
        raise _missing(setting, f"The file {secret.file} cannot be read: {reason}.") from None


def _missing(setting: str, reason: str) -> ConfigError:
    return ConfigError(f"{setting} is unknown. {reason}", hint="Provide it, or correct the profile.", code="secret")
