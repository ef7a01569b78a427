"""Settings of the console: the web pages and the REST API for people."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from tidzam.addresses import url_host
from tidzam.config.forwarded import ForwardedSettings
from tidzam.config.openid import OpenIdSettings
from tidzam.config.section import Names, Section
from tidzam.config.server import Port, ServerSettings
from tidzam.config.sound import SoundSettings


def _networks(proxies: tuple[str, ...]) -> tuple[str, ...]:
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            raise ValueError(f"{proxy!r} is not an address or a network; expected for example 127.0.0.1") from None
    return proxies


def _root_path(path: str) -> str:
    path = path.rstrip("/")
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", path):
        raise ValueError(f"{path!r} is not a path; expected for example /tidzam")
    return path


def _header(name: str | None) -> str | None:
    if name is not None and not re.fullmatch(r"[A-Za-z0-9-]+", name):
        raise ValueError(f"{name!r} is not the name of a header; expected for example Remote-User")
    return name


class LockOutSettings(Section):
    """When further log-ins are refused after wrong passwords."""

    failures: int = Field(
        5, ge=1, le=100, description="Wrong passwords for one user name from one address before log-ins are refused"
    )
    address_failures: int = Field(20, ge=1, le=1000, description="Wrong passwords from one address, for any user name")
    minutes: float = Field(
        15.0,
        gt=0,
        le=1440,
        description="Minutes in which wrong passwords are counted, and after which they no longer are",
    )


class ConsoleSettings(ServerSettings):
    """The console: web pages and the REST API for people."""

    enabled: bool = Field(True, description="Run the console")
    port: Port = Field(8090, description="Port for HTTP, or for HTTPS with a `certificate`")
    certificate: Path | None = Field(None, description="File with the TLS certificate and its chain (PEM)")
    private_key: Path | None = Field(None, description="File with the key of `certificate` (PEM)")
    root_path: Annotated[str, AfterValidator(_root_path)] = Field(
        "", description="Path under which a reverse proxy serves the console, such as `/tidzam`"
    )
    trusted_proxies: Annotated[Names, AfterValidator(_networks)] = Field(
        (), description="Addresses or networks of reverse proxies whose `X-Forwarded-For` and `-Proto` are believed"
    )
    user_header: Annotated[str | None, AfterValidator(_header)] = Field(
        None,
        description="Header in which `trusted_proxies` state the name of a user whom they have identified, such as "
        "`Remote-User`; the user must exist",
    )
    oidc: OpenIdSettings | None = Field(None, description="Log-in with OpenID Connect (needs the part `openid`)")
    anonymous: bool = Field(False, description="Visitors who are not logged in may view, but change nothing")
    session_idle_h: float = Field(24.0, gt=0, description="Hours without a request after which a session ends")
    session_days: float = Field(30.0, gt=0, description="Days after which a session ends in any case")
    lock_out: LockOutSettings = LockOutSettings()
    sound: SoundSettings = SoundSettings()
    forwarded: ForwardedSettings = ForwardedSettings()
    streams: int = Field(
        256, ge=1, description="Maximum number of open pages that show the present, and of listeners, together"
    )
    streams_per_visitor: int = Field(
        16, ge=1, description="The same for one user, or for one address of visitors who are not logged in"
    )
    requests_per_s: float = Field(
        200.0, gt=0, description="Maximum average rate of requests per address; bursts of 5 s are allowed"
    )
    backups: Path | None = Field(
        None, description="Folder in which the console makes backups, best on another disk; by default, it makes none"
    )
    keep_backups: int | None = Field(
        None, ge=1, description="Number of backups that stay when the console makes another one; by default, all"
    )
    body_bytes: int = Field(1_000_000, ge=1024, description="Maximum size of a request in bytes, except of files")
    import_bytes: int = Field(
        8_000_000, ge=1024, description="Maximum size of a file of annotations that is imported, in bytes"
    )

    @model_validator(mode="after")
    def _is_complete(self) -> ConsoleSettings:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key require each other")
        if self.user_header is not None and not self.trusted_proxies:
            raise ValueError("user_header requires trusted_proxies: nobody else may state who a user is")
        return self

    @property
    def url(self) -> str:
        """The address under which programs of this machine reach it."""
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://{url_host(self.reachable_host)}:{self.port}"
