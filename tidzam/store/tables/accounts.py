"""Tables of accounts: users, their sessions and API tokens, attempts to log in, and the audit log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tidzam.store.base import Base, Key


class UserRow(Base):
    """A person or a program that logs in."""

    __tablename__ = "users"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(64), unique=True)
    """In lower case."""
    role: Mapped[str] = mapped_column(String(16))
    """The value of a `tidzam.accounts.roles.Role`."""
    password_hash: Mapped[str | None] = mapped_column(Text)
    """argon2id; None if only a proxy or OpenID Connect logs this user in."""
    created: Mapped[datetime]
    password_changed: Mapped[datetime]
    last_login: Mapped[datetime | None]

    sessions: Mapped[list[LoginSessionRow]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )
    tokens: Mapped[list[ApiTokenRow]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )
    identities: Mapped[list[IdentityRow]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )


class LoginSessionRow(Base):
    """A browser, or a program with a cookie jar, in which a user is logged in."""

    __tablename__ = "login_sessions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the cookie, which is kept nowhere."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    csrf_token: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime]
    last_used: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(64))
    agent: Mapped[str] = mapped_column(String(200))
    """The `User-Agent` at log-in."""

    user: Mapped[UserRow] = relationship(back_populates="sessions")


class ApiTokenRow(Base):
    """A token with which a program calls the REST API in the name of a user."""

    __tablename__ = "api_tokens"

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the token, which is kept nowhere."""
    scopes: Mapped[str] = mapped_column(String(200))
    """Values of `tidzam.accounts.roles.Permission`, separated by commas."""
    created: Mapped[datetime]
    expires: Mapped[datetime | None]
    last_used: Mapped[datetime | None]

    user: Mapped[UserRow] = relationship(back_populates="tokens")


class IdentityRow(Base):
    """An account at a provider of OpenID Connect, with which a user logs in."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(String(255))
    created: Mapped[datetime]
    last_used: Mapped[datetime]

    user: Mapped[UserRow] = relationship(back_populates="identities")


class LoginAttemptRow(Base):
    """An attempt to log in with a password, by which further ones are refused after several failures."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index("ix_login_attempts_address_time", "address", "time"),)

    id: Mapped[Key]
    time: Mapped[datetime] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(String(64))
    """As typed, in lower case; there may be no such user."""
    address: Mapped[str] = mapped_column(String(64))
    succeeded: Mapped[bool]


class AuditRow(Base):
    """A change that somebody made. It names users by text, since it outlives them."""

    __tablename__ = "audit_log"

    id: Mapped[Key]
    time: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(200))
    detail: Mapped[str] = mapped_column(Text)
    """A JSON object, or empty."""
