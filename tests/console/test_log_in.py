"""Logging in and out: by form, by JSON, by token and by proxy; lock-out, and the end of sessions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NoReturn

import pytest

from console.accounts.lock_out import LockOutPolicy
from console.accounts.log_in import LockedOutError, log_in
from console.accounts.recognition import by_cookie
from console.accounts.session_policy import SessionPolicy
from tests.support.console import PASSWORD, ConsoleUnderTest, StoppedClock, console_under_test
from tests.support.store import new_store
from tidzam.accounts.audit import Actor
from tidzam.accounts.passwords import verify_password
from tidzam.accounts.roles import Role
from tidzam.accounts.users import add_user
from tidzam.config.console import ConsoleSettings, LockOutSettings
from tidzam.errors import RequestError, StoreError
from tidzam.store.database import Store, open_store

COOKIE = "tidzam_session_8090"
CHECK = "console.accounts.log_in.verify_password"


def me(client: Any) -> Any:
    return client.get("/api/v1/session").json()


def actions(console: ConsoleUnderTest) -> list[str]:
    """The audit log, the newest first."""
    found = console.logged_in("admin").get("/api/v1/audit").json()["entries"]
    return [entry["action"] for entry in found][1:]  # without the log-in for this


def test_the_form_starts_a_session_whose_cookie_opens_the_api(console: ConsoleUnderTest) -> None:
    client = console.client()
    response = client.post("/login", data={"username": "viewer", "password": PASSWORD})
    assert (response.status_code, response.headers["Location"]) == (303, "/")
    assert client.get("/api/v1/node").json()["name"] == "marsh"
    assert me(client)["name"] == "viewer"


def test_the_cookie_is_hidden_from_scripts_and_other_sites(console: ConsoleUnderTest) -> None:
    cookie = console.log_in("viewer").headers["Set-Cookie"]
    assert re.fullmatch(rf"{COOKIE}=[\w-]{{43}}; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax", cookie)


def test_the_cookie_of_a_page_over_tls_is_only_sent_over_tls(console: ConsoleUnderTest) -> None:
    response = console.log_in("viewer", base="https://127.0.0.1:8090")
    assert "; Secure" in response.headers["Set-Cookie"]
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_the_store_holds_neither_the_cookie_nor_the_password(console: ConsoleUnderTest, tmp_path: Path) -> None:
    cookie = re.search(r"=([^;]+)", console.log_in("viewer").headers["Set-Cookie"])
    assert cookie is not None
    console.store.close()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*.sqlite3*"))
    assert b"viewer" in written
    assert cookie[1].encode() not in written
    assert PASSWORD.encode() not in written


def test_programs_log_in_with_json(console: ConsoleUnderTest) -> None:
    client = console.client()
    answer = client.post("/api/v1/session", json={"username": "manager", "password": PASSWORD})
    assert answer.status_code == 204
    assert me(client)["permissions"] == ["view", "annotate", "manage", "account"]


@pytest.mark.parametrize("name", ["viewer", "nobody"])
def test_a_wrong_password_says_the_same_for_users_and_strangers(console: ConsoleUnderTest, name: str) -> None:
    response = console.log_in(name, "wrong password")
    assert response.status_code == 401
    assert "The user name or the password is wrong. Try again." in response.text
    assert "Set-Cookie" not in response.headers


def test_after_the_login_the_page_that_was_asked_for_is_shown(console: ConsoleUnderTest) -> None:
    data = {"username": "admin", "password": PASSWORD, "next": "/audit?before=7"}
    assert console.client().post("/login", data=data).headers["Location"] == "/audit?before=7"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "audit", "/a\r\nb"])
def test_the_login_never_leads_to_another_site(console: ConsoleUnderTest, target: str) -> None:
    data = {"username": "admin", "password": PASSWORD, "next": target}
    assert console.client().post("/login", data=data).headers["Location"] == "/"


def test_wrong_passwords_lock_the_name_out_for_that_address(tmp_path: Path) -> None:
    with console_under_test(tmp_path, lock_out={"failures": 2, "minutes": 15}) as console:
        for _ in range(2):
            console.log_in("viewer", "wrong password")
        console.clock.pass_by(minutes=5)
        locked = console.log_in("viewer")
        assert (locked.status_code, locked.headers["Retry-After"]) == (429, "600")
        assert "Try again in 10 minutes." in locked.text
        assert actions(console) == ["session.locked_out"]
        assert console.log_in("viewer", address="192.0.2.7").status_code == 303
        console.clock.pass_by(minutes=10)
        assert console.log_in("viewer").status_code == 303


def test_guesses_that_are_checked_at_the_same_time_do_not_pass_the_lock_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with console_under_test(tmp_path, lock_out={"failures": 2}) as console:
        store, policy = console.store, console.runtime.lock_out
        seen: Any = {"address": "192.0.2.1", "agent": "test", "now": console.clock()}

        def overtaken(password: str, hashed: str | None) -> bool:
            monkeypatch.setattr(CHECK, verify_password)
            for _ in range(2):
                with pytest.raises(RequestError, match="password is wrong"):
                    log_in(store, policy, "viewer", "wrong password", **seen)
            return verify_password(password, hashed)

        monkeypatch.setattr(CHECK, overtaken)
        with pytest.raises(LockedOutError):
            log_in(store, policy, "viewer", PASSWORD, **seen)


def test_a_user_name_is_read_without_nul_characters(console: ConsoleUnderTest) -> None:
    assert console.log_in("view\0er").status_code == 303


@pytest.mark.parametrize("kind", ["cookie", "token"])
def test_a_visitor_is_known_also_while_nothing_can_be_written(
    console: ConsoleUnderTest, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    client = console.logged_in("viewer")
    if kind == "token":
        made = client.post("/api/v1/account/tokens", json={"name": "station", "scopes": ["view"]}).json()
        client = console.client(headers={"Authorization": f"Bearer {made['token']}"})
    console.clock.pass_by(hours=1)

    def refuse(store: Store) -> NoReturn:
        raise StoreError("The database is away.")

    monkeypatch.setattr(Store, "write", refuse)
    assert me(client)["name"] == "viewer"


def test_a_login_clears_earlier_wrong_passwords_of_that_name(tmp_path: Path) -> None:
    with console_under_test(tmp_path, lock_out={"failures": 2}) as console:
        codes = [
            console.log_in("viewer", password).status_code
            for password in ("wrong password", PASSWORD, "wrong password", PASSWORD)
        ]
    assert codes == [401, 303, 401, 303]


def test_an_address_that_tries_many_names_is_locked_out(tmp_path: Path) -> None:
    with console_under_test(tmp_path, lock_out={"address_failures": 3}) as console:
        for name in ("ann", "ben", "cat"):
            console.log_in(name, "wrong password")
        assert console.log_in("viewer").status_code == 429


def test_a_session_ends_after_a_day_without_requests(console: ConsoleUnderTest) -> None:
    client = console.logged_in("viewer")
    console.clock.pass_by(hours=23)
    assert me(client)["name"] == "viewer"
    console.clock.pass_by(hours=23)
    assert me(client)["name"] == "viewer"
    console.clock.pass_by(hours=24)
    assert me(client)["name"] == ""


def test_a_session_ends_after_a_month_in_any_case(console: ConsoleUnderTest) -> None:
    client = console.logged_in("viewer")
    for _ in range(40):
        console.clock.pass_by(hours=18)
        me(client)
    assert me(client)["name"] == ""


def test_logging_out_ends_the_session(console: ConsoleUnderTest) -> None:
    client = console.logged_in("viewer")
    cookie = client.cookies[COOKIE]
    assert client.post("/logout").headers["Location"] == "/login"
    stolen = console.client(cookies={COOKIE: cookie})
    assert me(stolen)["name"] == ""
    assert actions(console) == ["session.ended", "session.started"]


def test_a_token_opens_what_its_scopes_allow(console: ConsoleUnderTest) -> None:
    made = console.logged_in("admin").post("/api/v1/account/tokens", json={"name": "station", "scopes": ["view"]})
    program = console.client(headers={"Authorization": f"Bearer {made.json()['token']}"})
    codes = [program.get(f"/api/v1/{path}").status_code for path in ("node", "users", "account/tokens")]
    assert codes == [200, 403, 403]


def test_a_token_needs_no_csrf_token(console: ConsoleUnderTest) -> None:
    request = {"name": "admin", "scopes": ["administer"]}
    made = console.logged_in("admin").post("/api/v1/account/tokens", json=request)
    program = console.client(headers={"Authorization": f"Bearer {made.json()['token']}"})
    assert program.post("/api/v1/users", json={"name": "ann"}).status_code == 201


def test_a_token_expires(console: ConsoleUnderTest) -> None:
    request = {"name": "station", "scopes": ["view"], "days": 2}
    made = console.logged_in("admin").post("/api/v1/account/tokens", json=request).json()
    program = console.client(headers={"Authorization": f"Bearer {made['token']}"})
    console.clock.pass_by(days=1.99)
    assert program.get("/api/v1/node").status_code == 200
    console.clock.pass_by(days=0.01)
    refused = program.get("/api/v1/node")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_removed_token_is_refused(console: ConsoleUnderTest) -> None:
    client = console.logged_in("admin")
    made = client.post("/api/v1/account/tokens", json={"name": "station", "scopes": ["view"]}).json()
    assert client.delete(f"/api/v1/account/tokens/{made['id']}").status_code == 204
    program = console.client(headers={"Authorization": f"Bearer {made['token']}"})
    assert program.get("/api/v1/node").status_code == 401


def test_a_token_may_not_have_a_scope_that_its_owner_lacks(console: ConsoleUnderTest) -> None:
    made = console.logged_in("viewer").post("/api/v1/account/tokens", json={"name": "x", "scopes": ["manage"]})
    assert made.status_code == 422
    assert made.json()["error"]["message"] == "The token may not have the scope manage. Choose among: view."


def test_a_user_loses_with_the_role_what_the_token_may(console: ConsoleUnderTest) -> None:
    made = console.logged_in("manager").post("/api/v1/account/tokens", json={"name": "x", "scopes": ["manage"]})
    program = console.client(headers={"Authorization": f"Bearer {made.json()['token']}"})
    assert me(program)["permissions"] == ["manage"]
    console.logged_in("admin").patch("/api/v1/users/manager", json={"role": "viewer"})
    assert me(program)["permissions"] == []


PROXY: dict[str, Any] = {"trusted_proxies": ["192.0.2.0/24"], "user_header": "Remote-User"}


def test_a_trusted_proxy_states_who_a_user_is(tmp_path: Path) -> None:
    with console_under_test(tmp_path, **PROXY) as console:
        client = console.client(address="192.0.2.1", headers={"Remote-User": "manager"})
        assert me(client)["name"] == "manager"


def test_nobody_else_states_who_a_user_is(tmp_path: Path) -> None:
    with console_under_test(tmp_path, **PROXY) as console:
        client = console.client(address="198.51.100.1", headers={"Remote-User": "admin"})
        assert me(client)["name"] == ""


def test_a_user_whom_only_the_proxy_knows_is_a_stranger(tmp_path: Path) -> None:
    with console_under_test(tmp_path, **PROXY) as console:
        client = console.client(address="192.0.2.1", headers={"Remote-User": "nobody"})
        assert me(client)["name"] == ""


def test_the_address_in_the_audit_log_is_the_one_that_a_trusted_proxy_forwards(tmp_path: Path) -> None:
    with console_under_test(tmp_path, trusted_proxies=["192.0.2.1"]) as console:
        forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        for address in ("192.0.2.1", "198.51.100.1"):
            response = console.log_in("viewer", address=address, headers=forwarded)
            assert ("; Secure" in response.headers["Set-Cookie"]) is (address == "192.0.2.1")
        entries = console.logged_in("admin").get("/api/v1/audit").json()["entries"]
    assert [entry["address"] for entry in entries[1:]] == ["198.51.100.1", "203.0.113.9"]


def test_postgresql_keeps_sessions_and_attempts_alike(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    now, policy = StoppedClock(), LockOutPolicy.of(LockOutSettings(failures=1))
    sessions = SessionPolicy.of(ConsoleSettings())
    with open_store(new_store("postgresql", request.config), tmp_path) as store:
        with store.write() as session:
            add_user(session, "wren", Role.VIEWER, PASSWORD, by=Actor(name="test"), now=now())
        seen: Any = {"address": "192.0.2.1", "now": now()}
        begun = log_in(store, policy, "wren", PASSWORD, agent="test", **seen)
        visitor = by_cookie(store, sessions, begun.cookie, **seen)
        assert visitor is not None
        assert visitor.name == "wren"
        with pytest.raises(RequestError, match="password is wrong"):
            log_in(store, policy, "wren", "wrong password", agent="test", **seen)
        with pytest.raises(LockedOutError):
            log_in(store, policy, "wren", PASSWORD, agent="test", **seen)
