"""Managing users."""

from __future__ import annotations

from datetime import datetime

from console.accounts.visitor import Visitor
from console.services.models import UserView
from tidzam.accounts import users
from tidzam.accounts.node_tokens import renew_node_token
from tidzam.accounts.roles import Role
from tidzam.store.database import Store
from tidzam.store.tables.accounts import UserRow


def list_users(store: Store) -> tuple[UserView, ...]:
    """All users by name."""
    with store.read() as session:
        return tuple(map(_view, users.list_users(session)))


def add_user(store: Store, visitor: Visitor, name: str, role: Role, password: str | None, *, now: datetime) -> UserView:
    """Add a user. Raises RequestError (`user_name`, `user_exists`, `weak_password`)."""
    with store.write() as session:
        return _view(users.add_user(session, name, role, password, by=visitor.actor, now=now))


def change_user(
    store: Store, visitor: Visitor, name: str, *, role: Role | None, password: str | None, now: datetime
) -> UserView:
    """Change the role, the password or both. Raises RequestError (`no_user`, `last_admin`, `weak_password`)."""
    with store.write() as session:
        user = users.require_user(session, name)
        if role is not None and role.value != user.role:
            users.set_role(session, user, role, by=visitor.actor, now=now)
        if password is not None:
            keep = visitor.session if user.id == visitor.user_id else None
            users.set_password(session, user, password, by=visitor.actor, now=now, keep_session=keep)
        return _view(user)


def role_of(store: Store, name: str) -> Role:
    """The role of a user. Raises RequestError (`no_user`)."""
    with store.read() as session:
        return Role(users.require_user(session, name).role)


def new_node_token(store: Store, visitor: Visitor, name: str, *, now: datetime) -> str:
    """A new token of the account of a node, in place of those before. Raises RequestError (`no_user`, `not_a_node`)."""
    with store.write() as session:
        return renew_node_token(session, users.require_user(session, name), by=visitor.actor, now=now)


def remove_user(store: Store, visitor: Visitor, name: str, *, now: datetime) -> None:
    """Remove a user. Raises RequestError (`no_user`, `last_admin`)."""
    with store.write() as session:
        users.remove_user(session, users.require_user(session, name), by=visitor.actor, now=now)


def _view(user: UserRow) -> UserView:
    return UserView(
        name=user.name,
        role=Role(user.role),
        created=user.created,
        last_login=user.last_login,
        has_password=user.password_hash is not None,
    )
