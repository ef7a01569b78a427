"""What pages do beyond the REST API: forms, messages, and values that are shown once or escaped."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from console.pages.audit import WORDS
from tests.support.console import PASSWORD, ConsoleUnderTest, console_under_test, console_with_profile
from tidzam.accounts.audit import AuditAction
from tidzam.store.tables.accounts import AuditRow, UserRow


def test_the_audit_log_has_words_for_every_action() -> None:
    assert set(WORDS) == set(AuditAction)


def test_a_new_users_password_is_shown_once_and_works(console: ConsoleUnderTest) -> None:
    shown = console.logged_in("admin").post("/users", data={"name": "wren", "role": "viewer"}).text
    password = re.search(r'class="secret">([^<]+)<', shown)
    assert password is not None
    assert password[1] not in console.logged_in("admin").get("/users").text
    assert console.log_in("wren", password[1]).status_code == 303


def test_a_form_that_is_refused_keeps_what_was_typed(console: ConsoleUnderTest) -> None:
    response = console.logged_in("admin").post("/users", data={"name": "VIEWER", "role": "admin"})
    assert response.status_code == 409
    assert "There is a user viewer already." in response.text
    assert 'value="VIEWER"' in response.text


def test_a_user_changes_the_password_and_stays_logged_in(console: ConsoleUnderTest) -> None:
    client, elsewhere = console.logged_in("viewer"), console.logged_in("viewer")
    new = "heron in the reeds"
    changed = client.post("/account/password", data={"present": PASSWORD, "new": new, "again": new})
    assert changed.headers["Location"] == "/account?done=password"
    assert client.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    assert console.log_in("viewer", new).status_code == 303


def tokens_after(console: ConsoleUnderTest, change: Callable[[TestClient], object]) -> int:
    """How many API tokens the viewer has, of one, after a change of the password."""
    client = console.logged_in("viewer")
    client.post("/api/v1/account/tokens", json={"name": "station", "scopes": ["view"]})
    change(client)
    return len(console.logged_in("viewer").get("/api/v1/account/tokens").json())


@pytest.mark.parametrize(("chosen", "left"), [({}, 1), ({"remove_tokens": "true"}, 0)])
def test_a_user_decides_whether_a_new_password_removes_the_tokens(
    console: ConsoleUnderTest, chosen: dict[str, str], left: int
) -> None:
    form = {"present": PASSWORD, "new": "heron in the reeds", "again": "heron in the reeds", **chosen}
    assert tokens_after(console, lambda client: client.post("/account/password", data=form)) == left


def test_a_password_that_an_admin_sets_removes_the_tokens(console: ConsoleUnderTest) -> None:
    admin = console.logged_in("admin")
    assert tokens_after(console, lambda _: admin.post("/users/viewer/password")) == 0


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"present": "wrong password", "new": "heron in reeds", "again": "heron in reeds"}, "password is wrong"),
        ({"present": PASSWORD, "new": "heron in reeds", "again": "heron in weeds"}, "The new passwords differ"),
        ({"present": PASSWORD, "new": "short", "again": "short"}, "has 5 characters, expected 10 to 200"),
    ],
)
def test_a_password_is_not_changed_by_mistake(console: ConsoleUnderTest, form: dict[str, str], message: str) -> None:
    response = console.logged_in("viewer").post("/account/password", data=form)
    assert message in response.text
    assert console.log_in("viewer").status_code == 303


def test_wrong_present_passwords_lock_out_like_those_of_log_ins(tmp_path: Path) -> None:
    with console_under_test(tmp_path, lock_out={"failures": 2, "minutes": 15}) as console:
        client = console.logged_in("viewer")
        new = "heron in the reeds"
        forms = [{"present": present, "new": new, "again": new} for present in ("wrong", "wrong too", PASSWORD)]
        codes = [client.post("/account/password", data=form).status_code for form in forms]
        assert codes == [403, 403, 429]
        assert console.log_in("viewer").status_code == 429


def test_a_user_ends_another_session_and_never_one_of_somebody_else(console: ConsoleUnderTest) -> None:
    client, other = console.logged_in("viewer"), console.logged_in("admin")
    foreign = other.get("/api/v1/account/sessions").json()[0]["id"]
    assert client.post(f"/account/sessions/{foreign}/end").status_code == 404
    assert other.get("/account").status_code == 200
    console.begin("viewer")
    sessions = client.get("/api/v1/account/sessions").json()
    (elsewhere,) = [session["id"] for session in sessions if not session["is_current"]]
    assert client.post(f"/account/sessions/{elsewhere}/end").status_code == 303
    assert len(client.get("/api/v1/account/sessions").json()) == 1


def test_a_token_with_an_impossible_number_is_refused(console: ConsoleUnderTest) -> None:
    assert console.logged_in("viewer").post(f"/account/tokens/{1 << 63}/remove").status_code == 422


def test_a_token_is_named_without_nul_characters(console: ConsoleUnderTest) -> None:
    made = console.logged_in("viewer").post("/api/v1/account/tokens", json={"name": "a\0b", "scopes": ["view"]})
    assert made.json()["name"] == "ab"


def test_what_others_typed_is_escaped(console: ConsoleUnderTest) -> None:
    console.log_in("<script>alert(1)</script>", "wrong password", headers={"User-Agent": "<b>x</b>"})
    for _ in range(5):
        console.log_in("<script>alert(1)</script>", "wrong password")
    page = console.logged_in("admin").get("/audit").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_the_audit_log_is_shown_page_by_page(console: ConsoleUnderTest) -> None:
    for _ in range(60):
        console.begin("viewer")
    client = console.logged_in("admin")
    first = client.get("/audit").text
    older = re.search(r'href="(/audit\?before=\d+)"', first)
    assert older is not None
    second = client.get(older[1]).text
    assert (first.count("<tr>"), second.count("<tr>")) == (51, 12)


def test_times_are_those_of_the_node_with_utc_in_the_title(tmp_path: Path) -> None:
    location = {"latitude": 42.4, "longitude": -71.1, "time_zone": "America/New_York"}
    with console_with_profile(tmp_path, {"location": location}) as console:
        page = console.logged_in("admin").get("/audit").text
    assert 'title="2026-05-01 06:30:00 UTC">2026-05-01 02:30:00</time>' in page


@pytest.mark.parametrize("path", ["/nothing", "/users/", "/api/nothing", "/api/v1/nothing"])
def test_what_does_not_exist_is_said_in_a_sentence(console: ConsoleUnderTest, path: str) -> None:
    response = console.logged_in("admin").get(path)
    assert response.status_code == 404
    assert "There is no such page. The address may be mistyped." in response.text
    assert response.headers["Content-Type"].startswith("application/json" if "/api/" in path else "text/html")


def test_a_fault_of_the_console_is_a_page_without_details(console: ConsoleUnderTest) -> None:
    client = console.logged_in("admin")
    with console.store.write() as session:
        session.execute(update(AuditRow).values(detail="damaged"))
    response = client.get("/audit")
    assert response.status_code == 500
    assert "The console failed to answer. See its log, and report the fault." in response.text
    assert "Traceback" not in response.text
    assert "Content-Security-Policy" in response.headers


def test_a_store_that_cannot_be_used_is_said_in_a_sentence(console: ConsoleUnderTest) -> None:
    client = console.logged_in("admin")
    with console.store.writing_engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE audit_log")
    for path in ("/audit", "/api/v1/audit"):
        response = client.get(path)
        assert response.status_code == 503
        assert "Check that the database runs" in response.text


def test_a_user_without_a_password_sees_no_form_to_change_it(console: ConsoleUnderTest) -> None:
    client = console.logged_in("viewer")
    with console.store.write() as session:
        session.query(UserRow).filter_by(name="viewer").one().password_hash = None
    page = client.get("/account").text
    assert "This account has no password" in page
    assert 'name="present"' not in page
    body = {"present": "anything", "new": "marsh wren at dusk"}
    refused = client.post("/api/v1/account/password", json=body).json()["error"]
    assert refused["code"] == "no_password"


def test_a_tag_does_not_get_the_name_of_another_one_and_is_removed(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    for name in ("wren", "robin"):
        client.post("/api/v1/tags", json={"name": name})
    refused = client.post("/annotate/tags/rename", data={"tag": "wren", "name": "robin"})
    assert (refused.status_code, "There is a tag &#39;robin&#39; already" in refused.text) == (409, True)
    client.post("/annotate/tags/remove", data={"tag": "wren"})
    assert [one["name"] for one in client.get("/api/v1/tags").json()] == ["robin"]


@pytest.mark.parametrize(
    "path", ["/node/state", "/now/channels", "/now/hours", "/classifiers/state", "/detections/rows"]
)
def test_a_part_that_a_page_loads_again_is_complete_by_itself(console: ConsoleUnderTest, path: str) -> None:
    assert console.logged_in("manager").get(path).status_code == 200
