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
    FORWARD = "forward"
    """Add what another node has heard, under the name of the account."""


class Role(StrEnum):
    """The role of a user. Each may do what the one before may, and more; but that of a node is apart: its account has
    the name of the node, and may do nothing but forward what that one hears."""

    VIEWER = "viewer"
    ANNOTATOR = "annotator"
    MANAGER = "manager"
    ADMIN = "admin"
    NODE = "node"


_VIEWER: Final = frozenset({Permission.VIEW, Permission.ACCOUNT})
_ANNOTATOR: Final = _VIEWER | {Permission.ANNOTATE}
_MANAGER: Final = _ANNOTATOR | {Permission.MANAGE}

PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.VIEWER: _VIEWER,
    Role.ANNOTATOR: _ANNOTATOR,
    Role.MANAGER: _MANAGER,
    Role.ADMIN: _MANAGER | {Permission.ADMINISTER},
    Role.NODE: frozenset({Permission.FORWARD}),
}
"""What each role may do."""

ANONYMOUS: Final = frozenset({Permission.VIEW})
"""What visitors who are not logged in may do, if the settings allow them to view."""

SCOPES: Final = (Permission.VIEW, Permission.ANNOTATE, Permission.MANAGE, Permission.ADMINISTER, Permission.FORWARD)
"""What an API token may be made for. A token never changes the account that it belongs to."""


def token_permissions(role: Role, scopes: frozenset[Permission]) -> frozenset[Permission]:
    """What a token may do: its scopes, as far as its owner's present role has them."""
    return PERMISSIONS[role] & scopes & frozenset(SCOPES)
