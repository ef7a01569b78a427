"""What the services return: the JSON of the REST API, and what pages show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tidzam.accounts.roles import Permission, Role


class ConsoleModel(BaseModel):
    """Immutable; unknown fields of a request are errors. Names that are not UTF-8, as files may have, are written with
    escape sequences: JSON and databases have no others."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _encodable(cls, value: Any) -> Any:
        if isinstance(value, str):
            return _escaped(value)
        if isinstance(value, tuple) and any(isinstance(one, str) for one in value):
            return tuple(map(_escaped, value))
        if isinstance(value, Mapping):
            return _escaped(value)
        return value


def _escaped(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_escaped(key): _escaped(one) for key, one in value.items()}
    if isinstance(value, list):
        return list(map(_escaped, value))
    if not isinstance(value, str) or value.isascii() or type(value) is not str:
        return value
    return value.encode(errors="backslashreplace").decode()


class UserView(ConsoleModel):
    """A user."""

    name: str = Field(description="Name, in lower case")
    role: Role = Field(description="Role, which decides what the user may do")
    created: datetime = Field(description="When the user was added, UTC")
    last_login: datetime | None = Field(description="When the user last logged in, UTC")
    has_password: bool = Field(description="Whether the user can log in with a password")


class SessionView(ConsoleModel):
    """A browser, or a program with a cookie jar, in which a user is logged in."""

    id: str = Field(description="Its id, which is not its cookie")
    created: datetime = Field(description="When the user logged in, UTC")
    last_used: datetime = Field(description="Its last request, UTC, within a minute")
    ends: datetime = Field(description="When it ends if it is not used again, UTC")
    address: str = Field(description="The address at log-in")
    agent: str = Field(description="What the browser calls itself")
    is_current: bool = Field(description="Whether the request comes from it")


class TokenView(ConsoleModel):
    """An API token. The token itself is shown once, when it is made."""

    id: int = Field(description="Number of the token")
    name: str = Field(description="What it is for")
    scopes: tuple[Permission, ...] = Field(description="What it may do, as far as its owner may")
    created: datetime = Field(description="When it was made, UTC")
    expires: datetime | None = Field(description="When it expires, UTC; null if never")
    last_used: datetime | None = Field(description="Its last request, UTC, within a minute; null if none")


class NewToken(TokenView):
    """An API token that was just made."""

    token: str = Field(description="The token itself, which is kept nowhere", repr=False)


class AuditView(ConsoleModel):
    """A change that somebody made."""

    id: int = Field(description="Number of the entry, which grows")
    time: datetime = Field(description="When, UTC")
    actor: str = Field(description="Who; empty if nobody was logged in")
    address: str = Field(description="From which address; empty for the command line")
    action: str = Field(description="What was done")
    subject: str = Field(description="To whom or what")
    detail: Mapping[str, str] = Field(description="How")


class AuditPage(ConsoleModel):
    """Entries of the audit log, the newest first."""

    entries: tuple[AuditView, ...] = Field(description="The entries")
    next: int | None = Field(description="`before` of the next page; null if there is none")
