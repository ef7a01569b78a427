"""Settings of OpenID Connect: people log in to the console with the account that they have elsewhere."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from tidzam.config.secret import Secret
from tidzam.config.section import Names, Section

RoleName = Literal["viewer", "annotator", "manager", "admin"]


def _issuer(url: str) -> str:
    """An address over TLS: what is read there decides whose signatures are believed."""
    try:
        parts = urlsplit(url)
        is_usable = bool(parts.hostname) and not (parts.query or parts.fragment or parts.username)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_local(parts.hostname or ""))
    except ValueError:
        is_usable = is_safe = False
    if not is_usable or not is_safe:
        raise ValueError(f"{url!r} is not the address of an issuer; expected for example https://login.example/realm")
    return url


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class OpenIdSettings(Section):
    """The provider of OpenID Connect with which people log in to the console."""

    issuer: Annotated[str, AfterValidator(_issuer)] = Field(
        description="Address of the provider exactly as it calls itself, such as `https://login.example/realms/wetland`"
    )
    client_id: str = Field(min_length=1, description="Name under which the console is registered at the provider")
    client_secret: Secret = Field(
        SecretStr(""),
        description="Secret of the registration: a text, `{env: NAME}` or `{file: PATH}`; empty for a public client",
    )
    title: str = Field(
        "single sign-on", min_length=1, max_length=64, description="What the button of the log-in calls the provider"
    )
    scopes: Names = Field(("openid", "profile", "email"), description="What the provider is asked for")
    name_claim: str = Field("preferred_username", description="Claim from which the name of a new user is made")
    role_claim: str | None = Field(
        None,
        description="Claim that decides the role, such as `groups`, or with points inside another one, "
        "`realm_access.roles`; a text or a list of texts",
    )
    roles: dict[str, RoleName] = Field({}, description="Roles by the values of `role_claim`; the highest one counts")
    default_role: RoleName | None = Field(
        None, description="Role of those whom `roles` gives none; without it, they have no account"
    )
    timeout_s: float = Field(10.0, gt=0, le=60, description="Seconds allowed for a response of the provider")

    @model_validator(mode="after")
    def _admits_somebody(self) -> OpenIdSettings:
        if "openid" not in self.scopes:
            raise ValueError("scopes must have openid")
        if (self.role_claim is None) != (not self.roles):
            raise ValueError("role_claim and roles require each other")
        if self.default_role is None and not self.roles:
            raise ValueError("nobody could log in; set default_role, or role_claim and roles")
        return self
