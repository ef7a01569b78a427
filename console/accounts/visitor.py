"""Who sends a request, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, field

from tidzam.accounts.audit import Actor
from tidzam.accounts.roles import ANONYMOUS, Permission, Role
from tidzam.server.connections import party


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """The sender of a request.

    `name` is the user's, empty for one who is not logged in; then `role` and `user_id` are None. `session` is the id of
    the session, None for a token or a proxy; `csrf_token` is what forms must send back, None where no browser adds
    credentials by itself.
    """

    permissions: frozenset[Permission]
    address: str
    name: str = ""
    user_id: int | None = None
    role: Role | None = None
    session: str | None = None
    csrf_token: str | None = field(default=None, repr=False)

    @property
    def is_known(self) -> bool:
        """Whether this is a user."""
        return self.user_id is not None

    @property
    def key(self) -> str:
        """What the visitor counts as where each has a limit: the user, or else the address."""
        return party(self.address) if self.user_id is None else f"user {self.user_id}"

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def actor(self) -> Actor:
        """The visitor as the audit log names it."""
        return Actor(name=self.name, address=self.address)


def stranger(address: str, *, anonymous: bool) -> Visitor:
    """A visitor who is not logged in; `anonymous` is whether such visitors may view."""
    return Visitor(permissions=ANONYMOUS if anonymous else frozenset(), address=address)
