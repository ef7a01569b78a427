"""The pages in the navigation. A new page adds one line here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tidzam.accounts.roles import Permission


@dataclass(frozen=True)
class NavigationItem:
    """A page in the navigation, which visitors with `permission` see. `icon` is a symbol of `static/icons.svg`."""

    path: str
    title: str
    icon: str
    permission: Permission


ITEMS: Final = (
    NavigationItem("/", "Now", "now", Permission.VIEW),
    NavigationItem("/detections", "Detections", "detections", Permission.VIEW),
    NavigationItem("/species", "Species", "species", Permission.VIEW),
    NavigationItem("/node", "Node", "node", Permission.VIEW),
    NavigationItem("/users", "Users", "users", Permission.ADMINISTER),
    NavigationItem("/audit", "Audit log", "audit", Permission.ADMINISTER),
    NavigationItem("/account", "Account", "account", Permission.ACCOUNT),
)
