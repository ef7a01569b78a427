"""The pages in the navigation, in groups. A new page adds one line to its group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from console.accounts.visitor import Visitor
from tidzam.accounts.roles import Permission


@dataclass(frozen=True)
class NavigationItem:
    """A page in the navigation, which visitors with `permission` see. `icon` is a symbol of `static/icons.svg`.

    On a phone, those with `in_bar` are at the bottom of the screen, the others in its menu. The bar has room for four.
    """

    path: str
    title: str
    icon: str
    permission: Permission
    in_bar: bool = False

    def is_current(self, here: str) -> bool:
        """Whether the page at `here` is this one, or one below it that is no other page of the navigation."""
        below = [one for group in GROUPS for one in group.entries if one.path.startswith(f"{self.path}/")]
        return self._holds(here) and not any(one._holds(here) for one in below)

    def _holds(self, here: str) -> bool:
        return here == self.path or (self.path != "/" and here.startswith(f"{self.path}/"))


@dataclass(frozen=True)
class NavigationGroup:
    """Pages that belong together, under a title."""

    title: str
    entries: tuple[NavigationItem, ...]


GROUPS: Final = (
    NavigationGroup(
        "Listen",
        (
            NavigationItem("/", "Now", "now", Permission.VIEW, in_bar=True),
            NavigationItem("/detections", "Detections", "detections", Permission.VIEW, in_bar=True),
            NavigationItem("/species", "Species", "species", Permission.VIEW, in_bar=True),
            NavigationItem("/activity", "Activity", "activity", Permission.VIEW),
        ),
    ),
    NavigationGroup(
        "Label and train",
        (
            NavigationItem("/annotate", "Annotate", "annotate", Permission.VIEW),
            NavigationItem("/novelty", "Novelty inbox", "novelty", Permission.VIEW),
            NavigationItem("/search", "Search", "search", Permission.VIEW),
            NavigationItem("/label", "Label next", "label", Permission.ANNOTATE),
            NavigationItem("/models", "Models", "models", Permission.VIEW),
            NavigationItem("/models/build", "Model builder", "build", Permission.MANAGE),
        ),
    ),
    NavigationGroup(
        "Station",
        (
            NavigationItem("/sources", "Sources", "sources", Permission.VIEW),
            NavigationItem("/microphone", "Microphone", "microphone", Permission.MANAGE),
            NavigationItem("/node", "Node", "node", Permission.VIEW, in_bar=True),
        ),
    ),
    NavigationGroup(
        "Accounts",
        (
            NavigationItem("/users", "Users", "users", Permission.ADMINISTER),
            NavigationItem("/audit", "Audit log", "audit", Permission.ADMINISTER),
            NavigationItem("/account", "Account", "account", Permission.ACCOUNT),
        ),
    ),
)


def navigation_of(visitor: Visitor) -> tuple[NavigationGroup, ...]:
    """The groups with the pages that a visitor may see; groups without pages are left out."""
    seen = [
        replace(group, entries=tuple(one for one in group.entries if visitor.may(one.permission))) for group in GROUPS
    ]
    return tuple(group for group in seen if group.entries)
