"""A user's own account: password, sessions and API tokens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from console.accounts.lock_out import LockOutPolicy
from console.accounts.log_in import require_password
from console.accounts.session_policy import SessionPolicy
from console.accounts.visitor import Visitor
from console.services.models import NewToken, SessionView, TokenView
from tidzam.accounts.audit import AuditAction, record
from tidzam.accounts.credentials import digest, new_api_token
from tidzam.accounts.roles import SCOPES, Permission
from tidzam.accounts.users import require_user, set_password
from tidzam.errors import RequestError
from tidzam.store.database import Store
from tidzam.store.tables.accounts import ApiTokenRow, LoginSessionRow

MOST_TOKENS: Final = 50


def change_password(
    store: Store,
    policy: LockOutPolicy,
    visitor: Visitor,
    *,
    present: str,
    new: str,
    remove_tokens: bool,
    now: datetime,
) -> None:
    """Change the visitor's password and end all other sessions; with `remove_tokens`, the API tokens are removed.

    Raises RequestError (`no_password`, `wrong_password`, `weak_password`) and LockedOutError.
    """
    if not has_password(store, visitor):
        hint = "An admin can give it one on the page Users."
        raise RequestError("This account has no password: others log you in.", hint=hint, code="no_password")
    require_password(store, policy, visitor, present, now=now)
    with store.write() as session:
        user = require_user(session, visitor.name)
        set_password(
            session,
            user,
            new,
            by=visitor.actor,
            now=now,
            keep_session=visitor.session,
            keep_tokens=not remove_tokens,
        )


def has_password(store: Store, visitor: Visitor) -> bool:
    """Whether the visitor can log in with a password; without one, only single sign-on or a proxy does that."""
    with store.read() as session:
        return require_user(session, visitor.name).password_hash is not None


def list_sessions(store: Store, policy: SessionPolicy, visitor: Visitor, *, now: datetime) -> tuple[SessionView, ...]:
    """The visitor's sessions that have not ended, the last used first."""
    query = select(LoginSessionRow).where(LoginSessionRow.user_id == visitor.user_id)
    with store.read() as session:
        rows = session.scalars(query.order_by(LoginSessionRow.last_used.desc())).all()
        return tuple(
            SessionView(
                id=row.id,
                created=row.created,
                last_used=row.last_used,
                ends=policy.end(created=row.created, last_used=row.last_used),
                address=row.address,
                agent=row.agent,
                is_current=row.id == visitor.session,
            )
            for row in rows
            if policy.is_live(created=row.created, last_used=row.last_used, now=now)
        )


def end_session(store: Store, visitor: Visitor, session_id: str, *, now: datetime) -> None:
    """End one of the visitor's sessions. Raises RequestError (`not_found`)."""
    with store.write() as session:
        row = session.get(LoginSessionRow, session_id)
        if row is None or row.user_id != visitor.user_id:
            raise RequestError("There is no such session.", hint="It may have ended.", code="not_found")
        session.delete(row)
        record(session, visitor.actor, AuditAction.LOGGED_OUT, visitor.name, now=now)


def list_tokens(store: Store, visitor: Visitor) -> tuple[TokenView, ...]:
    """The visitor's API tokens, the newest first."""
    query = select(ApiTokenRow).where(ApiTokenRow.user_id == visitor.user_id).order_by(ApiTokenRow.id.desc())
    with store.read() as session:
        return tuple(TokenView(**_token(row)) for row in session.scalars(query))


def add_token(
    store: Store,
    visitor: Visitor,
    name: str,
    scopes: Collection[Permission],
    *,
    days: int | None,
    now: datetime,
) -> NewToken:
    """Make an API token that expires after `days`, or never.

    Raises RequestError (`token_scopes`, `too_many_tokens`).
    """
    chosen = tuple(scope for scope in SCOPES if scope in scopes)
    beyond = sorted(scope.value for scope in scopes if scope not in SCOPES or not visitor.may(scope))
    if not chosen or beyond:
        reason = f"may not have the scope {', '.join(beyond)}" if beyond else "needs at least one scope"
        allowed = ", ".join(scope.value for scope in SCOPES if visitor.may(scope))
        raise RequestError(
            f"The token {reason}.", hint=f"Choose among: {allowed}.", code="token_scopes", field="scopes"
        )
    token = new_api_token()
    with store.write() as session:
        count = select(func.count()).select_from(ApiTokenRow).where(ApiTokenRow.user_id == visitor.user_id)
        if (session.scalar(count) or 0) >= MOST_TOKENS:
            raise RequestError(
                f"There are {MOST_TOKENS} tokens already.", hint="Remove one first.", code="too_many_tokens"
            )
        row = ApiTokenRow(
            user_id=visitor.user_id,
            name=name.replace("\0", ""),  # PostgreSQL refuses it
            token_hash=digest(token),
            scopes=",".join(scope.value for scope in chosen),
            created=now,
            expires=None if days is None else now + timedelta(days=days),
        )
        session.add(row)
        session.flush()
        record(session, visitor.actor, AuditAction.TOKEN_ADDED, name, now=now, scopes=row.scopes)
        return NewToken(**_token(row), token=token)


def remove_token(store: Store, visitor: Visitor, token_id: int, *, now: datetime) -> None:
    """Remove one of the visitor's API tokens. Raises RequestError (`not_found`)."""
    with store.write() as session:
        row = session.get(ApiTokenRow, token_id)
        if row is None or row.user_id != visitor.user_id:
            raise RequestError("There is no such token.", hint="It may have been removed.", code="not_found")
        record(session, visitor.actor, AuditAction.TOKEN_REMOVED, row.name, now=now)
        session.delete(row)


def _token(row: ApiTokenRow) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "scopes": tuple(map(Permission, row.scopes.split(","))),
        "created": row.created,
        "expires": row.expires,
        "last_used": row.last_used,
    }
