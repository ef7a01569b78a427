"""Logging in with OpenID Connect, at a provider on loopback: also one that is replaced, faulty or hostile."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.testclient import TestClient

from tests.support.console import BASE, ConsoleUnderTest, StoppedClock, console_under_test
from tests.support.openid_provider import TestProvider, openid_test_provider


@pytest.fixture
def provider() -> Iterator[TestProvider]:
    with openid_test_provider(StoppedClock()) as provider:
        yield provider


@pytest.fixture
def console(tmp_path: Path, provider: TestProvider) -> Iterator[ConsoleUnderTest]:
    """A console at which those who log in at the provider are viewers."""
    with console_under_test(tmp_path, oidc=provider.settings()) as console:
        yield console


def sent_to(client: TestClient, path: str = "/openid/login?next=/node") -> str:
    """Where the console sends a browser that begins to log in."""
    response = client.get(path)
    assert response.status_code == 303
    return response.headers["Location"]


def log_in(console: ConsoleUnderTest, provider: TestProvider, client: TestClient | None = None) -> Any:
    """What the console answers to a person who has logged in at the provider."""
    client = client or console.client()
    return client.get(provider.approve(sent_to(client)).removeprefix(BASE))


def who(client: TestClient) -> tuple[str, str | None]:
    found = client.get("/api/v1/session").json()
    return found["name"], found["role"]


def audit(console: ConsoleUnderTest) -> list[tuple[str, str, str]]:
    entries = console.logged_in("admin").get("/api/v1/audit").json()["entries"]
    return [(one["actor"], one["action"], one["subject"]) for one in entries][1:]


def test_a_new_person_is_added_with_the_default_role(console: ConsoleUnderTest, provider: TestProvider) -> None:
    client = console.client()
    response = log_in(console, provider, client)
    assert (response.status_code, response.headers["Location"]) == (303, "/node")
    assert who(client) == ("ann", "viewer")


def test_who_was_added_and_has_logged_in_is_in_the_audit_log(console: ConsoleUnderTest, provider: TestProvider) -> None:
    log_in(console, provider)
    assert audit(console)[:2] == [
        ("ann", "session.started", "ann"),
        ("OpenID Connect (Marsh club)", "user.added", "ann"),
    ]


def test_the_same_person_is_the_same_user_under_whatever_name(
    console: ConsoleUnderTest, provider: TestProvider
) -> None:
    log_in(console, provider)
    provider.claims |= {"preferred_username": "ann.wren", "email": "wren@login.example"}
    client = console.client()
    log_in(console, provider, client)
    assert who(client)[0] == "ann"


def test_a_local_user_of_the_same_name_is_never_taken_over(console: ConsoleUnderTest, provider: TestProvider) -> None:
    provider.claims |= {"preferred_username": "ADMIN"}
    client = console.client()
    log_in(console, provider, client)
    assert who(client) == ("admin@127.0.0.1", "viewer")


def test_another_person_of_the_same_name_is_another_user(console: ConsoleUnderTest, provider: TestProvider) -> None:
    names = []
    for subject in ("1", "2", "3"):
        provider.claims |= {"sub": subject}
        client = console.client()
        log_in(console, provider, client)
        names.append(who(client)[0])
    assert names == ["ann", "ann@127.0.0.1", "ann-2@127.0.0.1"]


def test_a_user_who_was_removed_and_logs_in_again_is_a_new_one(
    console: ConsoleUnderTest, provider: TestProvider
) -> None:
    client = console.client()
    log_in(console, provider, client)
    console.logged_in("admin").delete("/api/v1/users/ann")
    assert who(client) == ("", None)
    log_in(console, provider, client)
    assert who(client) == ("ann", "viewer")


def test_nobody_logs_in_with_a_password_as_a_user_of_the_provider(
    console: ConsoleUnderTest, provider: TestProvider
) -> None:
    log_in(console, provider)
    assert console.log_in("ann", "").status_code == 401


def test_the_log_in_shows_the_provider_only_if_there_is_one(console: ConsoleUnderTest, tmp_path: Path) -> None:
    assert "Log in with Marsh club" in console.client().get("/login").text
    (tmp_path / "other").mkdir()
    with console_under_test(tmp_path / "other") as plain:
        assert "/openid/login" not in plain.client().get("/login").text
        assert plain.client().get("/openid/login").status_code == 404


def test_after_the_log_out_the_session_is_over_and_that_at_the_provider_can_be_ended(
    console: ConsoleUnderTest, provider: TestProvider
) -> None:
    client = console.client()
    log_in(console, provider, client)
    token = client.get("/api/v1/session").json()["csrf_token"]
    ended = client.post("/logout", data={"csrf_token": token})
    page = client.get(ended.headers["Location"]).text
    assert who(client) == ("", None)
    assert f"{provider.issuer}/end?client_id=marsh+console" in page


ROLES = {"birders": "annotator", "wardens": "manager", "it": "admin"}


class TestRoles:
    """The role from a claim."""

    @pytest.fixture
    def console(self, tmp_path: Path, provider: TestProvider) -> Iterator[ConsoleUnderTest]:
        roles = {"role_claim": "groups", "roles": ROLES, "default_role": None}
        with console_under_test(tmp_path, oidc=provider.settings(**roles)) as console:
            yield console

    def test_the_highest_role_counts(self, console: ConsoleUnderTest, provider: TestProvider) -> None:
        provider.claims |= {"groups": ["birders", "wardens", "anglers"]}
        client = console.client()
        log_in(console, provider, client)
        assert who(client)[1] == "manager"

    def test_a_claim_may_be_at_the_address_of_the_person_only(
        self, console: ConsoleUnderTest, provider: TestProvider
    ) -> None:
        provider.id_token = {"groups": None}
        client = console.client()
        log_in(console, provider, client)
        assert (who(client)[1], "person" in provider.asked) == ("annotator", True)

    def test_the_role_follows_the_provider_at_each_log_in(
        self, console: ConsoleUnderTest, provider: TestProvider
    ) -> None:
        client = console.client()
        log_in(console, provider, client)
        provider.claims |= {"groups": ["it"]}
        log_in(console, provider, client)
        assert who(client) == ("ann", "admin")
        assert ("OpenID Connect (Marsh club)", "user.role", "ann") in audit(console)

    def test_whoever_has_no_role_has_no_account(self, console: ConsoleUnderTest, provider: TestProvider) -> None:
        provider.claims |= {"groups": ["anglers"]}
        response = log_in(console, provider)
        assert response.status_code == 403
        assert "have no account here" in response.text
        assert "ann" not in {one["name"] for one in console.logged_in("admin").get("/api/v1/users").json()}

    def test_whoever_has_lost_the_role_is_logged_out_everywhere(
        self, console: ConsoleUnderTest, provider: TestProvider
    ) -> None:
        elsewhere = console.client()
        log_in(console, provider, elsewhere)
        provider.claims |= {"groups": []}
        log_in(console, provider)
        assert who(elsewhere) == ("", None)

    def test_the_api_tokens_of_whoever_has_lost_the_role_are_removed(
        self, console: ConsoleUnderTest, provider: TestProvider
    ) -> None:
        client = console.client()
        log_in(console, provider, client)
        client.headers["X-CSRF-Token"] = client.get("/api/v1/session").json()["csrf_token"]
        made = client.post("/api/v1/account/tokens", json={"name": "sync", "scopes": ["view"]})
        provider.claims |= {"groups": []}
        log_in(console, provider)
        program = console.client()
        program.headers["Authorization"] = f"Bearer {made.json()['token']}"
        assert program.get("/api/v1/detections").status_code == 401
        assert ("OpenID Connect (Marsh club)", "token.removed", "sync") in audit(console)

    def test_the_last_admin_stays_one(self, console: ConsoleUnderTest, provider: TestProvider) -> None:
        provider.claims |= {"groups": ["it"]}
        client = console.client()
        log_in(console, provider, client)
        client.headers["X-CSRF-Token"] = client.get("/api/v1/session").json()["csrf_token"]
        assert client.delete("/api/v1/users/admin").status_code == 204
        provider.claims |= {"groups": ["birders"]}
        log_in(console, provider, client)
        assert who(client) == ("ann", "admin")


def other_key(claims: dict[str, Any]) -> str:
    key = ECKey.generate_key("P-256", {"kid": "first"})
    return jwt.encode({"alg": "ES256", "kid": "first"}, claims, key)


def base64_url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def encoded(part: dict[str, Any]) -> str:
    return base64_url(json.dumps(part).encode())


def unsigned(claims: dict[str, Any]) -> str:
    return f"{encoded({'alg': 'none', 'kid': 'first'})}.{encoded(claims)}."


HOSTILE: dict[str, dict[str, Any]] = {
    "another audience": {"id_token": {"aud": "other console"}},
    "several audiences, and issued to another": {"id_token": {"aud": ["marsh console", "x"], "azp": "x"}},
    "another issuer": {"id_token": {"iss": "https://evil.example"}},
    "expired": {"id_token": {"exp": 1_700_000_000}},
    "without an end": {"id_token": {"exp": None}},
    "of the future": {"id_token": {"iat": 4_000_000_000, "exp": 4_000_000_300}},
    "of another log-in": {"id_token": {"nonce": "other"}},
    "of no log-in": {"id_token": {"nonce": None}},
    "of nobody": {"id_token": {"sub": ""}},
    "of a number": {"id_token": {"sub": 7}},
    "of another access token": {"id_token": {"at_hash": "AAAA"}},
    "signed by somebody else": {"sign": other_key},
    "not signed": {"sign": unsigned},
    "no token at all": {"sign": lambda _: "wren"},
}


@pytest.mark.parametrize("spoiled", HOSTILE)
def test_an_id_token_that_is_not_valid_logs_nobody_in(
    console: ConsoleUnderTest, provider: TestProvider, spoiled: str
) -> None:
    for name, value in HOSTILE[spoiled].items():
        setattr(provider, name, value)
    client = console.client()
    response = log_in(console, provider, client)
    assert (response.status_code, who(client)) == (401, ("", None))


def test_a_token_signed_with_the_public_key_as_a_secret_logs_nobody_in(
    console: ConsoleUnderTest, provider: TestProvider
) -> None:
    public = provider.key.as_pem(private=False)

    def sign(claims: dict[str, Any]) -> str:
        signed = ".".join(map(encoded, ({"alg": "HS256", "kid": "first"}, claims)))
        return f"{signed}.{base64_url(hmac.digest(public, signed.encode(), 'sha256'))}"

    provider.sign = sign
    assert log_in(console, provider).status_code == 401


@pytest.mark.parametrize(
    "change", ["state=other", "state=", "code=", "error=access_denied", "iss=https://evil.example"]
)
def test_a_response_of_another_log_in_is_refused(
    console: ConsoleUnderTest, provider: TestProvider, change: str
) -> None:
    client = console.client()
    back = provider.approve(sent_to(client)).removeprefix(BASE)
    name, _, value = change.partition("=")
    given = {key: values[0] for key, values in parse_qs(urlsplit(back).query).items()} | {name: value}
    response = client.get("/openid/callback", params=given)
    assert (response.status_code, who(client)) == (401, ("", None))


def test_a_response_does_not_log_in_another_browser(console: ConsoleUnderTest, provider: TestProvider) -> None:
    back = provider.approve(sent_to(console.client())).removeprefix(BASE)
    victim = console.client()
    assert (victim.get(back).status_code, who(victim)) == (401, ("", None))


def test_a_response_is_used_once(console: ConsoleUnderTest, provider: TestProvider) -> None:
    client = console.client()
    back = provider.approve(sent_to(client)).removeprefix(BASE)
    kept = dict(client.cookies)
    assert client.get(back).status_code == 303
    assert client.get(back).status_code == 401
    thief = console.client()
    thief.cookies.update(kept)
    assert "invalid_grant" in thief.get(back).text


def test_a_stolen_code_is_worth_nothing_without_the_verifier(console: ConsoleUnderTest, provider: TestProvider) -> None:
    stolen = parse_qs(urlsplit(provider.approve(sent_to(console.client()))).query)["code"][0]
    thief = console.client()
    state = parse_qs(urlsplit(sent_to(thief)).query)["state"][0]
    response = thief.get("/openid/callback", params={"code": stolen, "state": state})
    assert (response.status_code, "invalid_grant" in response.text) == (401, True)


def test_after_the_log_in_nobody_is_sent_to_another_site(console: ConsoleUnderTest, provider: TestProvider) -> None:
    client = console.client()
    back = provider.approve(sent_to(client, "/openid/login?next=https://evil.example/")).removeprefix(BASE)
    assert client.get(back).headers["Location"] == "/"


def test_new_keys_of_the_provider_are_fetched(console: ConsoleUnderTest, provider: TestProvider) -> None:
    log_in(console, provider)
    provider.key = ECKey.generate_key("P-256", {"kid": "second"})
    assert log_in(console, provider).status_code == 303
    assert provider.asked.count("keys") == 2


@pytest.mark.parametrize(
    ("description", "message"),
    [({"issuer": "https://evil.example"}, "it calls itself https://evil.example"), ({"jwks_uri": None}, "jwks_uri")],
)
def test_a_provider_that_describes_itself_wrongly_is_not_used(
    console: ConsoleUnderTest, provider: TestProvider, description: dict[str, Any], message: str
) -> None:
    provider.description = description
    response = console.client().get("/openid/login")
    assert response.status_code == 503
    assert message in response.text


def test_a_provider_that_is_away_is_said_so_beside_the_password(tmp_path: Path) -> None:
    with ExitStack() as stack:
        provider = stack.enter_context(openid_test_provider(StoppedClock()))
        settings = provider.settings()
        stack.close()
        with console_under_test(tmp_path, oidc=settings) as console:
            response = console.client().get("/openid/login")
            assert response.status_code == 503
            assert 'name="password"' in response.text
            assert console.log_in("viewer").status_code == 303


def test_behind_a_proxy_under_a_path_the_provider_sends_people_back_there(
    tmp_path: Path, provider: TestProvider
) -> None:
    settings = {"root_path": "/tidzam", "trusted_proxies": ["127.0.0.1"], "oidc": provider.settings()}
    with console_under_test(tmp_path, **settings) as console:
        client = console.client(base="https://127.0.0.1:8090", headers={"X-Forwarded-Proto": "https"})
        back = provider.approve(sent_to(client, "/tidzam/openid/login"))
        assert back.startswith("https://127.0.0.1:8090/tidzam/openid/callback?")
        assert client.get(back).headers["Location"] == "/tidzam/"
        cookies = client.cookies
        assert {cookie.path for cookie in cookies.jar} == {"/tidzam/"}
