"""The navigation: which pages a visitor sees, and which one is the current."""

from __future__ import annotations

import pytest

from console.accounts.visitor import Visitor, stranger
from console.web.navigation import GROUPS, NavigationItem, navigation_of
from console.web.templates import STATIC_FOLDER
from tidzam.accounts.roles import PERMISSIONS, Permission, Role

ENTRIES = [entry for group in GROUPS for entry in group.entries]


def test_a_group_without_pages_for_the_visitor_is_left_out() -> None:
    groups = navigation_of(stranger("127.0.0.1", anonymous=True))
    assert "Accounts" not in [group.title for group in groups]


def test_a_visitor_who_may_nothing_has_no_navigation() -> None:
    assert navigation_of(stranger("127.0.0.1", anonymous=False)) == ()


def test_an_admin_sees_every_page() -> None:
    admin = Visitor(permissions=PERMISSIONS[Role.ADMIN], address="127.0.0.1")
    assert [entry for group in navigation_of(admin) for entry in group.entries] == ENTRIES


def test_the_bar_of_a_phone_has_room_for_its_pages() -> None:
    assert 0 < sum(entry.in_bar for entry in ENTRIES) <= 4


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.path)
def test_every_page_has_an_icon(entry: NavigationItem) -> None:
    assert f'<symbol id="{entry.icon}"' in (STATIC_FOLDER / "icons.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "here", "is_current"),
    [
        ("/models", "/models", True),
        ("/models", "/models/herons", True),
        ("/models", "/modelsbuild", False),
        ("/", "/", True),
        ("/", "/models", False),
    ],
)
def test_a_page_is_current_at_its_address_and_below_it(path: str, here: str, is_current: bool) -> None:
    assert NavigationItem(path, "A page", "now", Permission.VIEW).is_current(here) is is_current
