"""The table of roles and permissions."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tidzam.accounts.roles import ANONYMOUS, PERMISSIONS, Permission, Role, token_permissions

PEOPLE = (Role.VIEWER, Role.ANNOTATOR, Role.MANAGER, Role.ADMIN)


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(PEOPLE)))
def test_each_role_may_do_what_the_one_before_may_and_more(lower: Role, higher: Role) -> None:
    assert PERMISSIONS[lower] < PERMISSIONS[higher]


def test_an_admin_may_do_everything_but_speak_for_a_node() -> None:
    assert PERMISSIONS[Role.ADMIN] == frozenset(Permission) - {Permission.FORWARD}


def test_a_node_may_only_forward() -> None:
    assert PERMISSIONS[Role.NODE] == {Permission.FORWARD}


def test_a_visitor_who_is_not_logged_in_at_most_views() -> None:
    assert frozenset({Permission.VIEW}) == ANONYMOUS


def test_a_token_may_not_do_more_than_its_owner() -> None:
    assert token_permissions(Role.VIEWER, frozenset({Permission.VIEW, Permission.MANAGE})) == {Permission.VIEW}


def test_a_token_may_not_do_more_than_its_scopes() -> None:
    assert token_permissions(Role.ADMIN, frozenset({Permission.VIEW})) == {Permission.VIEW}


def test_a_token_never_changes_the_account_of_its_owner() -> None:
    assert token_permissions(Role.ADMIN, frozenset(Permission)) == PERMISSIONS[Role.ADMIN] - {Permission.ACCOUNT}
