"""Logging in with a password: lock-out, the check itself, and the new session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from console.accounts.lock_out import LockOutPolicy
from console.accounts.visitor import Visitor
from tidzam.accounts.audit import Actor, AuditAction, record
from tidzam.accounts.credentials import digest, new_secret
from tidzam.accounts.passwords import hash_password, is_outdated, verify_password
from tidzam.accounts.users import find_user, require_user
from tidzam.errors import RequestError
from tidzam.server.connections import party
from tidzam.store.database import Store
from tidzam.store.tables.accounts import LoginAttemptRow, LoginSessionRow, UserRow

KEPT: Final = timedelta(days=7)
"""For how long attempts to log in are kept."""
_LONGEST_NAME: Final = 64
_LONGEST_AGENT: Final = 200


class LockedOutError(RequestError):
    """Too many wrong passwords; the next attempt is allowed after `wait_s` seconds."""

    code = "locked_out"

    def __init__(self, wait_s: int) -> None:
        minutes = ceil(wait_s / 60)
        super().__init__(
            "There were too many attempts with a wrong password.",
            hint=f"Try again in {minutes} minute{'s' if minutes > 1 else ''}.",
        )
        self.wait_s = wait_s


@dataclass(frozen=True, kw_only=True)
class NewSession:
    """A session that has begun. `cookie` is known only to the browser."""

    cookie: str = field(repr=False)
    csrf_token: str = field(repr=False)
    user: str


def log_in(
    store: Store, policy: LockOutPolicy, name: str, password: str, *, address: str, agent: str, now: datetime
) -> NewSession:
    """Begin a session. Raises RequestError (`login_failed`) and LockedOutError."""
    name, place = name.replace("\0", "").strip().lower()[:_LONGEST_NAME], party(address)
    with store.read() as session:
        _require_not_locked(session, policy, name, place, now)
        user = find_user(session, name)
        hashed = None if user is None else user.password_hash
    is_right = verify_password(password, hashed)  # outside of any transaction: it takes a tenth of a second
    new_hash = hash_password(password) if is_right and hashed is not None and is_outdated(hashed) else None
    with store.write() as session:
        _require_not_locked(session, policy, name, place, now)  # others may have guessed meanwhile
        begun = _begun(session, name, hashed, new_hash, address, agent, now) if is_right else None
        _note(session, policy, name, place, succeeded=begun is not None, now=now)
    if begun is None:
        raise RequestError("The user name or the password is wrong.", hint="Try again.", code="login_failed")
    return begun


def require_password(store: Store, policy: LockOutPolicy, visitor: Visitor, password: str, *, now: datetime) -> None:
    """Prove that a visitor who is logged in knows the password. Wrong ones count like those of log-ins.

    Raises RequestError (`wrong_password`) and LockedOutError.
    """
    name, place = visitor.name, party(visitor.address)
    with store.read() as session:
        _require_not_locked(session, policy, name, place, now)
        hashed = require_user(session, name).password_hash
    is_right = verify_password(password, hashed)
    with store.write() as session:
        _require_not_locked(session, policy, name, place, now)
        _note(session, policy, name, place, succeeded=is_right, now=now)
    if not is_right:
        raise RequestError("The present password is wrong.", hint="Try again.", code="wrong_password", field="present")


def begin_session(
    session: Session, user: UserRow, *, address: str, agent: str, now: datetime, means: str = ""
) -> NewSession:
    """A new session of a user who has been identified. `means` is by what, if not by a password."""
    cookie, csrf_token = new_secret(), new_secret()
    session.add(
        LoginSessionRow(
            id=digest(cookie),
            user_id=user.id,
            csrf_token=csrf_token,
            created=now,
            last_used=now,
            address=address,
            agent=agent[:_LONGEST_AGENT],
        )
    )
    user.last_login = now
    detail = {"with": means} if means else {}
    record(session, Actor(name=user.name, address=address), AuditAction.LOGGED_IN, user.name, now=now, **detail)
    return NewSession(cookie=cookie, csrf_token=csrf_token, user=user.name)


def _begun(
    session: Session, name: str, hashed: str | None, new_hash: str | None, address: str, agent: str, now: datetime
) -> NewSession | None:
    """The new session, unless the password or the user has been changed meanwhile."""
    user = find_user(session, name)
    if user is None or user.password_hash != hashed:
        return None
    user.password_hash = new_hash or hashed
    return begin_session(session, user, address=address, agent=agent, now=now)


def _require_not_locked(session: Session, policy: LockOutPolicy, name: str, address: str, now: datetime) -> None:
    attempts = session.scalars(
        select(LoginAttemptRow)
        .where(LoginAttemptRow.address == address, LoginAttemptRow.time > now - policy.window)
        .order_by(LoginAttemptRow.time, LoginAttemptRow.id)
    ).all()
    until = policy.locked_until(
        of_name=_failures_since_success([one for one in attempts if one.name == name]),
        of_address=[one.time for one in attempts if not one.succeeded],
        now=now,
    )
    if until is not None:
        raise LockedOutError(max(1, ceil((until - now).total_seconds())))


def _failures_since_success(attempts: Sequence[LoginAttemptRow]) -> list[datetime]:
    failures: list[datetime] = []
    for attempt in attempts:
        failures = [] if attempt.succeeded else [*failures, attempt.time]
    return failures


def _note(session: Session, policy: LockOutPolicy, name: str, address: str, *, succeeded: bool, now: datetime) -> None:
    """Keep the attempt, forget old ones, and write to the audit log when it was one too many."""
    session.add(LoginAttemptRow(time=now, name=name, address=address, succeeded=succeeded))
    session.execute(delete(LoginAttemptRow).where(LoginAttemptRow.time < now - KEPT))
    session.flush()
    if succeeded:
        return
    try:
        _require_not_locked(session, policy, name, address, now)
    except LockedOutError:
        record(session, Actor(name="", address=address), AuditAction.LOCKED_OUT, name, now=now)
