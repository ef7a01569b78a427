"""From the claims of a provider to a user of the console: the role and the name. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from tidzam.accounts.roles import Role
from tidzam.config.openid import OpenIdSettings

_LONGEST_NAME: Final = 64


def claimed_role(claims: Mapping[str, Any], settings: OpenIdSettings) -> Role | None:
    """The highest role that the claims give, else the default one; None for somebody who has no account."""
    given = _texts(_claim(claims, settings.role_claim)) if settings.role_claim is not None else set()
    found = {Role(role) for value, role in settings.roles.items() if value in given}
    highest = next((role for role in reversed(Role) if role in found), None)
    return highest or (None if settings.default_role is None else Role(settings.default_role))


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or inside of others: names of claims may have points, too."""
    if name in claims:
        return claims[name]
    outer, _, inner = name.partition(".")
    within = claims.get(outer)
    return _claim(within, inner) if inner and isinstance(within, Mapping) else None


def _texts(value: Any) -> Collection[str]:
    found = value if isinstance(value, list) else [value]
    return {one for one in found if isinstance(one, str)}


def possible_names(claims: Mapping[str, Any], settings: OpenIdSettings) -> Iterator[str]:
    """Names for a new user, the best one first: what the provider calls the person, and then with the provider's name
    and a number, since a name that is taken is somebody else's."""
    wanted = (claims.get(settings.name_claim), claims.get("email"), claims.get("name"), claims["sub"])
    stem = next((found for text in wanted if isinstance(text, str) and (found := _as_name(text))), "user")
    yield stem
    host = urlsplit(settings.issuer).hostname or "openid"
    for number in range(1, 1000):
        suffix = f"@{host}" if number == 1 else f"-{number}@{host}"
        yield f"{stem.partition('@')[0][: max(1, _LONGEST_NAME - len(suffix))]}{suffix}"[:_LONGEST_NAME]


def _as_name(text: str) -> str:
    """A text as the name of a user, which has no accents and blanks.

    >>> _as_name("Anné Wren")
    'anne.wren'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().strip().lower()
    return re.sub(r"[^a-z0-9_.@-]+", ".", plain).lstrip("_.@-")[:_LONGEST_NAME]
