"""The token by which another node forwards what it hears to this one."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from tidzam.accounts.audit import Actor, AuditAction, record
from tidzam.accounts.credentials import digest, new_api_token
from tidzam.accounts.roles import Permission, Role
from tidzam.errors import RequestError
from tidzam.store.tables.accounts import ApiTokenRow, UserRow

NAME: Final = "forwarding"


def renew_node_token(session: Session, user: UserRow, *, by: Actor, now: datetime) -> str:
    """A new token of an account with the role `node`, in place of those that it has.

    Raises RequestError (`not_a_node`) for any other account.
    """
    if user.role != Role.NODE:
        raise RequestError(
            f"{user.name} is {user.role}, not a node.",
            hint="Users make their tokens on the page Account.",
            code="not_a_node",
        )
    token, scopes = new_api_token(), Permission.FORWARD.value
    session.execute(delete(ApiTokenRow).where(ApiTokenRow.user_id == user.id))
    session.add(ApiTokenRow(user_id=user.id, name=NAME, token_hash=digest(token), scopes=scopes, created=now))
    record(session, by, AuditAction.TOKEN_ADDED, NAME, now=now, scopes=scopes, user=user.name)
    session.flush()
    return token
