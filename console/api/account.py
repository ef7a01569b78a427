"""REST: the account of the user who asks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from console.services import account
from console.services.models import ConsoleModel, NewToken, SessionView, TokenView
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/account", tags=["Account"], dependencies=[needs(Permission.ACCOUNT)])

_Password = Annotated[str, Field(min_length=1, max_length=200)]


class PasswordChange(ConsoleModel):
    """The present and the new password."""

    present: _Password = Field(description="The present password")
    new: _Password = Field(description="The new password, of at least 10 characters")
    remove_tokens: bool = Field(False, description="Remove all API tokens of the user, too")


class TokenRequest(ConsoleModel):
    """A token to make."""

    name: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="What it is for")
    scopes: tuple[Permission, ...] = Field(
        max_length=8, description="What it may do: view, annotate, manage, administer, as far as its owner may"
    )
    days: Annotated[int, Field(ge=1, le=3650)] | None = Field(
        None, description="Days after which it expires; null for never"
    )


@router.post("/password", status_code=204)
def change_password(change: PasswordChange, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Change the password, which ends all other sessions."""
    account.change_password(
        runtime.store,
        runtime.lock_out,
        visitor,
        present=change.present,
        new=change.new,
        remove_tokens=change.remove_tokens,
        now=runtime.now(),
    )
    return Response(status_code=204)


@router.get("/sessions")
def list_own_sessions(visitor: CurrentVisitor, runtime: Runtime) -> tuple[SessionView, ...]:
    """The browsers in which the user is logged in."""
    return account.list_sessions(runtime.store, runtime.sessions, visitor, now=runtime.now())


@router.delete("/sessions/{id}", status_code=204)
def end_own_session(
    session_id: Annotated[str, Path(alias="id", max_length=64)], visitor: CurrentVisitor, runtime: Runtime
) -> Response:
    """Log out one of these browsers."""
    account.end_session(runtime.store, visitor, session_id, now=runtime.now())
    return Response(status_code=204)


@router.get("/tokens")
def list_tokens(visitor: CurrentVisitor, runtime: Runtime) -> tuple[TokenView, ...]:
    """The user's API tokens, the newest first."""
    return account.list_tokens(runtime.store, visitor)


@router.post("/tokens", status_code=201)
def add_token(new: TokenRequest, visitor: CurrentVisitor, runtime: Runtime) -> NewToken:
    """Make an API token. The response is the only place where it can be read."""
    return account.add_token(runtime.store, visitor, new.name, new.scopes, days=new.days, now=runtime.now())


@router.delete("/tokens/{id}", status_code=204)
def remove_token(
    token_id: Annotated[int, Path(alias="id", ge=0, lt=1 << 62)], visitor: CurrentVisitor, runtime: Runtime
) -> Response:
    """Remove an API token, which is refused from now on."""
    account.remove_token(runtime.store, visitor, token_id, now=runtime.now())
    return Response(status_code=204)
