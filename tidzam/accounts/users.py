"""Users: added, changed and removed, each change with its entry in the audit log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from tidzam.accounts.audit import Actor, AuditAction, record
from tidzam.accounts.passwords import hash_password, require_strong
from tidzam.accounts.roles import Role
from tidzam.errors import RequestError
from tidzam.protocol.messages import quote
from tidzam.store.tables.accounts import ApiTokenRow, LoginSessionRow, UserRow

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.@-]{0,63}")


def user_name(text: str) -> str:
    """The name of a user in its only spelling, which is in lower case. Raises RequestError (`user_name`)."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise RequestError(
            f"{quote(text)} is not a user name.",
            hint="Expected up to 64 letters, digits and . _ @ - without blanks, such as ann or ann@example.org.",
            code="user_name",
            field="name",
        )
    return name


def list_users(session: Session) -> Sequence[UserRow]:
    """All users by name."""
    return session.scalars(select(UserRow).order_by(UserRow.name)).all()


def find_user(session: Session, name: str) -> UserRow | None:
    """The user of that name, in whatever case it is written."""
    return session.scalar(select(UserRow).where(UserRow.name == name.strip().lower()))


def require_user(session: Session, name: str) -> UserRow:
    """The user of that name. Raises RequestError (`no_user`)."""
    user = find_user(session, name)
    if user is None:
        raise RequestError(f"There is no user {quote(name)}.", hint="See `tidzam users list`.", code="no_user")
    return user


def add_user(session: Session, name: str, role: Role, password: str | None, *, by: Actor, now: datetime) -> UserRow:
    """Add a user; one without a password can only log in through a proxy.

    Raises RequestError (`user_name`, `user_exists`, `weak_password`).
    """
    name = user_name(name)
    if find_user(session, name) is not None:
        raise RequestError(f"There is a user {name} already.", hint="Choose another name.", code="user_exists")
    hashed = None
    if password is not None:
        require_strong(password, name=name)
        hashed = hash_password(password)
    user = UserRow(name=name, role=role.value, password_hash=hashed, created=now, password_changed=now)
    session.add(user)
    record(session, by, AuditAction.USER_ADDED, name, now=now, role=role.value)
    session.flush()
    return user


def set_password(
    session: Session,
    user: UserRow,
    password: str,
    *,
    by: Actor,
    now: datetime,
    keep_session: str | None = None,
    keep_tokens: bool = False,
) -> None:
    """Change a password, end the user's sessions, except `keep_session`, and remove the API tokens, unless they are
    kept: whoever knew the old password may have made some. Raises RequestError (`weak_password`)."""
    require_strong(password, name=user.name)
    user.password_hash, user.password_changed = hash_password(password), now
    ended = delete(LoginSessionRow).where(LoginSessionRow.user_id == user.id)
    session.execute(ended if keep_session is None else ended.where(LoginSessionRow.id != keep_session))
    if not keep_tokens:
        session.execute(delete(ApiTokenRow).where(ApiTokenRow.user_id == user.id))
    record(session, by, AuditAction.PASSWORD_CHANGED, user.name, now=now, tokens="kept" if keep_tokens else "removed")


def set_role(session: Session, user: UserRow, role: Role, *, by: Actor, now: datetime) -> None:
    """Change the role of a user. Raises RequestError (`last_admin`)."""
    if role is not Role.ADMIN:
        _require_other_admin(session, user)
    record(session, by, AuditAction.ROLE_CHANGED, user.name, now=now, before=user.role, after=role.value)
    user.role = role.value


def remove_user(session: Session, user: UserRow, *, by: Actor, now: datetime) -> None:
    """Remove a user with all sessions and tokens. Raises RequestError (`last_admin`)."""
    _require_other_admin(session, user)
    record(session, by, AuditAction.USER_REMOVED, user.name, now=now, role=user.role)
    session.delete(user)
    session.flush()


def _require_other_admin(session: Session, user: UserRow) -> None:
    admins = select(func.count()).select_from(UserRow).where(UserRow.role == Role.ADMIN.value, UserRow.id != user.id)
    if user.role == Role.ADMIN.value and not session.scalar(admins):
        raise RequestError(
            f"{user.name} is the only admin.", hint="Make another user admin first.", code="last_admin", field="role"
        )
