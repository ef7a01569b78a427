"""Roles and permissions: the one table of who may do what. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """What a route requires of its visitor."""

    VIEW = "view"
    """See the node and what it hears."""
    ANNOTATE = "annotate"
    """Verify detections and annotate recordings."""
    MANAGE = "manage"
    """Change sources, models and settings of the node."""
    ADMINISTER = "administer"
    """Manage users, and read the audit log."""
    ACCOUNT = "account"
    """Change one's own password, sessions and tokens."""


class Role(StrEnum):
    """The role of a user. Each may do what the one before may, and more."""

    VIEWER = "viewer"
    ANNOTATOR = "annotator"
    MANAGER = "manager"
    ADMIN = "admin"


_ADDED: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.VIEWER: frozenset({Permission.VIEW, Permission.ACCOUNT}),
    Role.ANNOTATOR: frozenset({Permission.ANNOTATE}),
    Role.MANAGER: frozenset({Permission.MANAGE}),
    Role.ADMIN: frozenset({Permission.ADMINISTER}),
}

PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    role: frozenset().union(*(_ADDED[lower] for lower in list(Role)[: number + 1])) for number, role in enumerate(Role)
}
"""What each role may do."""

ANONYMOUS: Final = frozenset({Permission.VIEW})
"""What visitors who are not logged in may do, if the settings allow them to view."""

SCOPES: Final = (Permission.VIEW, Permission.ANNOTATE, Permission.MANAGE, Permission.ADMINISTER)
"""What an API token may be made for. A token never changes the account that it belongs to."""


def token_permissions(role: Role, scopes: frozenset[Permission]) -> frozenset[Permission]:
    """What a token may do: its scopes, as far as its owner's present role has them."""
    return PERMISSIONS[role] & scopes & frozenset(SCOPES)
