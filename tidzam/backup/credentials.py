"""Settings without their credentials, as backups keep them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, SecretStr

from tidzam.config import Settings
from tidzam.scrub import scrub_address

_WITH_USER: Final = frozenset({("store", "url")})
"""Addresses whose user is not hidden: they cannot hold a password."""
_NO_NAME: Final = re.compile(r"[^A-Z0-9]+")
Keys = tuple[str | int, ...]


def profile_values(settings: Settings) -> dict[str, Any]:
    """Settings as the values of a profile, with the credentials in it."""
    return settings.model_dump(mode="json", by_alias=True)


def without_credentials(settings: Settings) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Settings as the values of a profile without credentials, and the names of the settings that had some.

    A secret becomes `{env: NAME}`, so that whoever restores the profile can provide it; `variable_of` makes the name.
    Of addresses, what `scrub_address` hides is missing.
    """
    values, left_out = profile_values(settings), []
    for keys in secrets_of(settings):
        _replace(values, keys, {"env": variable_of(keys)})
        left_out.append(name_of(keys))
    return _scrubbed(values, (), left_out), tuple(left_out)


def without_address_credentials(values: Any) -> tuple[Any, tuple[str, ...]]:
    """JSON values without the credentials in the addresses among them, and the names of those that had some."""
    left_out: list[str] = []
    return _scrubbed(values, (), left_out), tuple(left_out)


def secrets_of(value: Any, keys: Keys = ()) -> Iterator[Keys]:
    """Where in settings secrets are given as texts."""
    if isinstance(value, SecretStr):
        if value.get_secret_value():
            yield keys
    elif isinstance(value, BaseModel):
        fields = type(value).model_fields
        for name, inner in value:
            yield from secrets_of(inner, (*keys, fields[name].alias or name))
    elif isinstance(value, tuple | list):
        for number, inner in enumerate(value):
            yield from secrets_of(inner, (*keys, number))


def variable_of(keys: Keys) -> str:
    """The environment variable for the secret of a setting.

    >>> variable_of(("store", "password"))
    'TIDZAM_STORE_PASSWORD'
    """
    return "_".join(["TIDZAM", *(_NO_NAME.sub("_", str(key).upper()) for key in keys)])


def name_of(keys: Keys) -> str:
    """The name of a setting for people, such as `analyzer.sinks[0].password`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


def _replace(values: Any, keys: Keys, new: object) -> None:
    for key in keys[:-1]:
        values = values[key]
    values[keys[-1]] = new


def _scrubbed(value: Any, keys: Keys, left_out: list[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _scrubbed(inner, (*keys, key), left_out) for key, inner in value.items()}
    if isinstance(value, list):
        return [_scrubbed(inner, (*keys, number), left_out) for number, inner in enumerate(value)]
    if not isinstance(value, str) or "://" not in value:
        return value
    scheme, _, rest = value.partition("://")
    user = rest[: rest.find("@") + 1] if keys in _WITH_USER else ""
    scrubbed = scrub_address(f"{scheme}://{rest.removeprefix(user)}").replace("://", f"://{user}", 1)
    if scrubbed != value:
        left_out.append(name_of(keys))
    return scrubbed
