"""The first admin of a node, which `tidzam start` creates when there is no user yet."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tidzam.accounts.audit import Actor
from tidzam.accounts.passwords import new_password
from tidzam.accounts.roles import Role
from tidzam.accounts.users import add_user
from tidzam.store.tables.accounts import UserRow

NAME: Final = "admin"


def ensure_first_admin(session: Session, *, now: datetime) -> str | None:
    """Create the user `admin` if there is no user; returns its new password, which is kept nowhere, or None."""
    if session.scalar(select(func.count()).select_from(UserRow)):
        return None
    password = new_password()
    add_user(session, NAME, Role.ADMIN, password, by=Actor(name="tidzam start"), now=now)
    return password
