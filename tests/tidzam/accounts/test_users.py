"""Users in both kinds of store, and the entries that their changes leave in the audit log."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tidzam.accounts.audit import Actor, AuditAction, entries
from tidzam.accounts.first_admin import ensure_first_admin
from tidzam.accounts.passwords import verify_password
from tidzam.accounts.roles import Role
from tidzam.accounts.users import add_user, find_user, list_users, remove_user, require_user, set_password, set_role
from tidzam.errors import RequestError
from tidzam.store.database import Store
from tidzam.store.tables.accounts import ApiTokenRow, LoginSessionRow, UserRow

NOW = datetime(2026, 5, 1, 6, 30, 0, 123456, tzinfo=UTC)
BY = Actor(name="root", address="192.0.2.1")
PASSWORD = "marsh wren at dawn"


def add(store: Store, name: str, role: Role = Role.VIEWER) -> None:
    """A user without a password, which takes a while to hash."""
    with store.write() as session:
        add_user(session, name, role, None, by=BY, now=NOW)


def sessions_and_tokens(store: Store, name: str, *sessions: str) -> None:
    with store.write() as session:
        user = require_user(session, name)
        common = {"user_id": user.id, "created": NOW}
        for one in sessions:
            session.add(LoginSessionRow(id=one, csrf_token="t", last_used=NOW, address="", agent="", **common))
        session.add(ApiTokenRow(name="t", token_hash=name, scopes="view", **common))


def count(store: Store, table: type[UserRow | LoginSessionRow | ApiTokenRow]) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_user_is_found_in_any_case(store: Store) -> None:
    add(store, "Ann@Example.org")
    with store.read() as session:
        found = find_user(session, " ANN@example.ORG ")
        assert found is not None
        assert (found.name, found.role, found.created) == ("ann@example.org", "viewer", NOW)


def test_a_name_exists_once(store: Store) -> None:
    add(store, "ann")
    with pytest.raises(RequestError, match="There is a user ann already") as refused:
        add(store, "ANN")
    assert refused.value.code == "user_exists"


@pytest.mark.parametrize("name", ["", "two words", "-dash", "a/b", "x" * 65, "ann\n", "é"])
def test_a_name_that_is_none_is_refused(tmp_path: object, name: str) -> None:
    from tidzam.accounts.users import user_name

    if name == "ann\n":
        assert user_name(name) == "ann"
        return
    with pytest.raises(RequestError, match="is not a user name"):
        user_name(name)


@pytest.mark.parametrize("keep", [False, True])
def test_a_new_password_removes_the_api_tokens_unless_they_are_kept(store: Store, keep: bool) -> None:
    add(store, "ann")
    sessions_and_tokens(store, "ann")
    with store.write() as session:
        set_password(session, require_user(session, "ann"), PASSWORD, by=BY, now=NOW, keep_tokens=keep)
    assert count(store, ApiTokenRow) == int(keep)


def test_a_change_of_the_password_ends_the_other_sessions(store: Store) -> None:
    add(store, "ann")
    sessions_and_tokens(store, "ann", "here", "elsewhere")
    with store.write() as session:
        set_password(session, require_user(session, "ann"), PASSWORD, by=BY, now=NOW, keep_session="here")
    with store.read() as session:
        assert verify_password(PASSWORD, require_user(session, "ann").password_hash)
        assert session.scalars(select(LoginSessionRow.id)).all() == ["here"]


def test_a_removed_user_has_no_sessions_and_tokens_left(store: Store) -> None:
    add(store, "ann")
    add(store, "ben")
    sessions_and_tokens(store, "ann", "s1")
    sessions_and_tokens(store, "ben", "s2")
    with store.write() as session:
        remove_user(session, require_user(session, "ann"), by=BY, now=NOW)
    assert [count(store, table) for table in (UserRow, LoginSessionRow, ApiTokenRow)] == [1, 1, 1]


def test_the_only_admin_stays_admin(store: Store) -> None:
    add(store, "ann", Role.ADMIN)
    add(store, "ben")
    with pytest.raises(RequestError, match="ann is the only admin"), store.write() as session:
        set_role(session, require_user(session, "ann"), Role.MANAGER, by=BY, now=NOW)
    with pytest.raises(RequestError, match="ann is the only admin"), store.write() as session:
        remove_user(session, require_user(session, "ann"), by=BY, now=NOW)


def test_an_admin_may_go_when_there_is_another_one(store: Store) -> None:
    add(store, "ann", Role.ADMIN)
    add(store, "ben", Role.ADMIN)
    with store.write() as session:
        remove_user(session, require_user(session, "ann"), by=BY, now=NOW)
    with store.read() as session:
        assert [user.name for user in list_users(session)] == ["ben"]


def test_each_change_is_in_the_audit_log(store: Store) -> None:
    add(store, "ann")
    with store.write() as session:
        set_role(session, require_user(session, "ann"), Role.MANAGER, by=BY, now=NOW)
    with store.read() as session:
        newest, oldest = entries(session)
        assert (newest.actor, newest.address, newest.time) == ("root", "192.0.2.1", NOW)
        assert (newest.action, newest.subject) == (AuditAction.ROLE_CHANGED, "ann")
        assert newest.detail == '{"before": "viewer", "after": "manager"}'
        assert oldest.action == AuditAction.USER_ADDED


def test_a_change_that_fails_leaves_no_entry(store: Store) -> None:
    with pytest.raises(RuntimeError), store.write() as session:
        add_user(session, "ann", Role.VIEWER, None, by=BY, now=NOW)
        raise RuntimeError
    with store.read() as session:
        assert entries(session) == []


def test_the_first_admin_is_made_once(store: Store) -> None:
    with store.write() as session:
        password = ensure_first_admin(session, now=NOW)
    with store.write() as session:
        assert ensure_first_admin(session, now=NOW) is None
        admin = require_user(session, "admin")
        assert password is not None
        assert verify_password(password, admin.password_hash)
        assert admin.role == Role.ADMIN
