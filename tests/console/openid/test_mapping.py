"""Roles and names from claims, which may hold anything."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from console.openid.flow import BegunLogin, authorization_url, begin_login
from console.openid.mapping import claimed_role, possible_names
from tidzam.accounts.roles import Role
from tidzam.accounts.users import user_name
from tidzam.config.openid import OpenIdSettings

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def settings(**values: Any) -> OpenIdSettings:
    common = {"issuer": "https://login.example/realm", "client_id": "tidzam", "default_role": "viewer"}
    return OpenIdSettings.model_validate({**common, **values})


ROLES = settings(role_claim="realm.roles", roles={"birders": "annotator", "wardens": "manager"})


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"realm": {"roles": ["birders", "wardens"]}}, Role.MANAGER),
        ({"realm": {"roles": "birders"}}, Role.ANNOTATOR),
        ({"realm.roles": ["wardens"]}, Role.MANAGER),
        ({"realm": {"roles": ["anglers"]}}, Role.VIEWER),
        ({"realm": {"roles": [["wardens"]]}}, Role.VIEWER),
        ({"realm": "wardens"}, Role.VIEWER),
        ({}, Role.VIEWER),
    ],
)
def test_the_claim_gives_the_role(claims: dict[str, Any], role: Role) -> None:
    assert claimed_role(claims, ROLES) is role


@hypothesis_settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["preferred_username", "email", "name"]), JSON))
def test_whatever_claims_hold_the_names_are_names_of_users(claims: dict[str, Any]) -> None:
    names = list(islice(possible_names({**claims, "sub": "1"}, ROLES), 20))
    assert [user_name(name) for name in names] == names
    assert len(set(names)) == len(names)


@given(JSON)
def test_whatever_a_claim_holds_gives_a_role(value: Any) -> None:
    assert claimed_role({"realm": {"roles": value}}, ROLES) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://login.example"},
        {"issuer": "login.example"},
        {"issuer": "https://login.example?x=1"},
        {"default_role": None},
        {"role_claim": "groups"},
        {"roles": {"it": "admin"}},
        {"role_claim": "groups", "roles": {"it": "god"}},
        {"scopes": ["profile"]},
    ],
)
def test_settings_with_which_nobody_or_anybody_could_log_in_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**changes)


def test_a_log_in_is_kept_in_its_cookie() -> None:
    begun = begin_login("/node?a=ä")
    assert BegunLogin.from_cookie(begun.as_cookie()) == begun


@pytest.mark.parametrize("value", ["", "x", "e30=", "W10=", "bnVsbA==", "ä", "A" * 9000])
def test_another_cookie_is_no_log_in(value: str) -> None:
    assert BegunLogin.from_cookie(value) is None


def test_log_ins_differ() -> None:
    assert len({begin_login("").state for _ in range(9)}) == 9


def test_an_address_with_parameters_keeps_them() -> None:
    begun = begin_login("")
    url = authorization_url("https://x/a?p=1", begun, client_id="c", scopes=("openid",), redirect_uri="https://y/z")
    assert url.startswith("https://x/a?p=1&response_type=code&")
    assert begun.verifier not in url
