"""Recognizing a visitor by a session cookie, an API token or a trusted proxy's header."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from console.accounts.session_policy import SessionPolicy, is_due
from console.accounts.visitor import Visitor
from tidzam.accounts.audit import AuditAction, record
from tidzam.accounts.credentials import TOKEN_PREFIX, digest
from tidzam.accounts.roles import PERMISSIONS, Permission, Role, token_permissions
from tidzam.accounts.users import find_user
from tidzam.errors import StoreError
from tidzam.store.database import Store
from tidzam.store.tables.accounts import ApiTokenRow, IdentityRow, LoginSessionRow


def by_cookie(store: Store, policy: SessionPolicy, cookie: str, *, address: str, now: datetime) -> Visitor | None:
    """The user whose session this cookie belongs to; None if it has ended, or never was."""
    with store.read() as session:
        found = session.get(LoginSessionRow, digest(cookie), options=[joinedload(LoginSessionRow.user)])
        if found is None or not policy.is_live(created=found.created, last_used=found.last_used, now=now):
            return None
        role = Role(found.user.role)
        visitor = Visitor(
            permissions=PERMISSIONS[role],
            address=address,
            name=found.user.name,
            user_id=found.user_id,
            role=role,
            session=found.id,
            csrf_token=found.csrf_token,
        )
        last_used = found.last_used
    if is_due(last_used, now):
        with suppress(StoreError), store.write() as session:  # the visitor is known, also while nothing can be written
            if (row := session.get(LoginSessionRow, visitor.session)) is not None:
                row.last_used = now
    return visitor


def by_token(store: Store, token: str, *, address: str, now: datetime) -> Visitor | None:
    """The user whose API token this is, with the token's permissions; None if there is none, or it has expired."""
    if not token.startswith(TOKEN_PREFIX):
        return None
    with store.read() as session:
        found = session.scalar(
            select(ApiTokenRow).where(ApiTokenRow.token_hash == digest(token)).options(joinedload(ApiTokenRow.user))
        )
        if found is None or (found.expires is not None and found.expires <= now):
            return None
        role = Role(found.user.role)
        scopes = frozenset(map(Permission, found.scopes.split(",")))
        visitor = Visitor(
            permissions=token_permissions(role, scopes),
            address=address,
            name=found.user.name,
            user_id=found.user_id,
            role=role,
        )
        key, last_used = found.id, found.last_used
    if last_used is None or is_due(last_used, now):
        with suppress(StoreError), store.write() as session:
            if (row := session.get(ApiTokenRow, key)) is not None:
                row.last_used = now
    return visitor


def by_proxy(store: Store, name: str, *, address: str) -> Visitor | None:
    """The user whom a trusted proxy has identified; None if there is no such user."""
    with store.read() as session:
        user = find_user(session, name)
        if user is None:
            return None
        role = Role(user.role)
        return Visitor(permissions=PERMISSIONS[role], address=address, name=user.name, user_id=user.id, role=role)


def has_identity(store: Store, visitor: Visitor) -> bool:
    """Whether a visitor may have logged in with OpenID Connect."""
    with store.read() as session:
        return session.scalar(select(IdentityRow.id).where(IdentityRow.user_id == visitor.user_id).limit(1)) is not None


def log_out(store: Store, visitor: Visitor, *, now: datetime) -> None:
    """End the session of a visitor."""
    if visitor.session is None:
        return
    with store.write() as session:
        session.execute(delete(LoginSessionRow).where(LoginSessionRow.id == visitor.session))
        record(session, visitor.actor, AuditAction.LOGGED_OUT, visitor.name, now=now)


def forget_ended_sessions(store: Store, policy: SessionPolicy, *, now: datetime) -> None:
    """Remove the rows of sessions that have ended."""
    with store.write() as session:
        session.execute(
            delete(LoginSessionRow).where(
                (LoginSessionRow.created <= now - policy.longest) | (LoginSessionRow.last_used <= now - policy.idle)
            )
        )
