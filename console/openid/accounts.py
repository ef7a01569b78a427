"""The user who belongs to an account at the provider: found by issuer and subject, or added at the first log-in."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from console.accounts.log_in import NewSession, begin_session
from console.openid.mapping import claimed_role, possible_names
from tidzam.accounts.audit import Actor, AuditAction, record
from tidzam.accounts.roles import Role
from tidzam.accounts.users import add_user, find_user, set_role
from tidzam.config.openid import OpenIdSettings
from tidzam.errors import RequestError
from tidzam.store.database import Store
from tidzam.store.tables.accounts import ApiTokenRow, IdentityRow, LoginSessionRow, UserRow


def log_in_by_claims(
    store: Store, settings: OpenIdSettings, claims: Mapping[str, Any], *, address: str, agent: str, now: datetime
) -> NewSession:
    """Begin a session of the user whom the claims describe. They must have been checked.

    A user who is not known is added; one of the same name is somebody else. Where claims decide the role, it is set at
    each log-in. Raises RequestError (`no_account`) for somebody to whom they give none, whose sessions end,
    and whose API tokens are removed.
    """
    role = claimed_role(claims, settings)
    with store.write() as session:
        identity = session.scalar(
            select(IdentityRow).where(IdentityRow.issuer == settings.issuer, IdentityRow.subject == claims["sub"])
        )
        by = Actor(name=f"OpenID Connect ({settings.title})"[:64], address=address)
        if role is not None:
            user = _known(session, identity, settings, role, by, now)
            user = user or _added(session, settings, claims, role, by, now)
            return begin_session(session, user, address=address, agent=agent, now=now, means="OpenID Connect")
        if identity is not None:
            _lock_out(session, identity.user, by, now)
    raise RequestError(
        "You have logged in, but have no account here.",
        hint="Ask an admin which groups of the provider may use the console.",
        code="no_account",
    )


def _known(
    session: Session, identity: IdentityRow | None, settings: OpenIdSettings, role: Role, by: Actor, now: datetime
) -> UserRow | None:
    """The user of an identity, with the role that the claims give; None if there is none yet."""
    if identity is None:
        return None
    identity.last_used = now
    user = identity.user
    if settings.role_claim is not None and user.role != role.value:
        with suppress(RequestError):  # the last admin stays one
            set_role(session, user, role, by=by, now=now)
    return user


def _lock_out(session: Session, user: UserRow, by: Actor, now: datetime) -> None:
    """End the sessions of a user, and remove the API tokens."""
    session.execute(delete(LoginSessionRow).where(LoginSessionRow.user_id == user.id))
    for token in session.scalars(select(ApiTokenRow).where(ApiTokenRow.user_id == user.id)).all():
        record(session, by, AuditAction.TOKEN_REMOVED, token.name, now=now, user=user.name, reason="no_account")
        session.delete(token)


def _added(
    session: Session, settings: OpenIdSettings, claims: Mapping[str, Any], role: Role, by: Actor, now: datetime
) -> UserRow:
    name = next(name for name in possible_names(claims, settings) if find_user(session, name) is None)
    user = add_user(session, name, role, None, by=by, now=now)
    session.add(IdentityRow(user_id=user.id, issuer=settings.issuer, subject=claims["sub"], created=now, last_used=now))
    return user
