"""What every request passes: its host, its origin, its size and its rate; and the headers of every response."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.console import ConsoleUnderTest, console_under_test


@pytest.mark.parametrize("path", ["/login", "/nothing", "/healthz", "/api/v1/session", "/static/css/base.css", "/"])
def test_every_response_has_the_security_headers(console: ConsoleUnderTest, path: str) -> None:
    headers = console.client().get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/node", "/users", "/account", "/audit", "/api/docs", "/login"])
def test_no_page_has_inline_scripts_or_styles(console: ConsoleUnderTest, path: str) -> None:
    page = console.logged_in("admin").get(path, follow_redirects=True).text
    assert "<style" not in page
    assert ' style="' not in page
    assert " onclick=" not in page
    assert page.count("<script") == page.count('<script src="') + page.count('<script type="module" src="')


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8090", 200),
        ("localhost:8090", 200),
        ("[::1]:8090", 200),
        ("evil.example:8090", 403),
        ("127.0.0.1:8000", 403),
        ("station.example", 403),
    ],
)
def test_only_names_of_the_node_are_served(console: ConsoleUnderTest, host: str, status: int) -> None:
    assert console.client().get("/login", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_sites_page_cannot_change_anything(console: ConsoleUnderTest, headers: dict[str, str]) -> None:
    response = console.logged_in("admin").post("/users", data={"name": "ann"}, headers=headers)
    assert response.status_code == 403
    assert "did not come from a page of the console" in response.text


def test_another_sites_page_cannot_log_in(console: ConsoleUnderTest) -> None:
    data = {"username": "viewer", "password": "anything at all"}
    response = console.client().post("/login", data=data, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403


@pytest.mark.parametrize("given", [{}, {"csrf_token": ""}, {"csrf_token": "wrong"}])
def test_a_form_without_the_token_of_the_session_changes_nothing(
    console: ConsoleUnderTest, given: dict[str, str]
) -> None:
    client = console.logged_in("admin")
    del client.headers["X-CSRF-Token"]
    assert client.post("/users", data={"name": "wren", **given}).status_code == 403
    assert "wren" not in client.get("/users").text


def test_a_form_with_the_token_of_the_session_is_accepted(console: ConsoleUnderTest) -> None:
    client = console.logged_in("admin")
    token = client.headers.pop("X-CSRF-Token")
    assert client.post("/users", data={"name": "ann", "csrf_token": token}).status_code == 200


def test_the_token_of_another_session_is_not_accepted(console: ConsoleUnderTest) -> None:
    client = console.logged_in("admin")
    client.headers["X-CSRF-Token"] = console.begin("admin").csrf_token
    assert client.post("/users", data={"name": "ann"}).status_code == 403


@pytest.mark.parametrize("is_stated", [True, False])
def test_a_request_that_is_too_large_is_refused(tmp_path: Path, is_stated: bool) -> None:
    with console_under_test(tmp_path, body_bytes=2000) as console:
        body = b"username=" + b"x" * 4000
        content = body if is_stated else iter([body[:2000], body[2000:]])
        response = console.client().post(
            "/login", content=content, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
    assert response.status_code == 413
    assert "larger than 2,000 bytes, the limit of console.body_bytes." in response.text


@pytest.mark.parametrize("is_stated", [True, False])
def test_a_file_of_annotations_may_be_larger_than_other_requests(tmp_path: Path, is_stated: bool) -> None:
    with console_under_test(tmp_path, body_bytes=1024, import_bytes=4000) as console:
        client, address = console.logged_in("annotator"), "/api/v1/annotations/import?format=csv"
        table = b"channel,start,end,tag\n" + b"\n" * 2000
        codes = [
            client.post(address, content=body if is_stated else iter([body[:500], body[500:]])).status_code
            for body in (table, 2 * table)
        ]
    assert codes == [200, 413]


@pytest.mark.parametrize(
    "path", ["/api/v1/users/a%00b", "/api/v1/detections?class=a%00b", "/detections?channel=%00", "/static/a%00b"]
)
def test_an_address_with_a_nul_character_is_refused(console: ConsoleUnderTest, path: str) -> None:
    response = console.logged_in("admin").get(path)
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "The address holds a NUL character."


def test_an_address_that_asks_too_often_is_refused_and_others_are_not(tmp_path: Path) -> None:
    with console_under_test(tmp_path, requests_per_s=0.4) as console:
        codes = [console.client().get("/login").status_code for _ in range(5)]
        assert console.client(address="192.0.2.1").get("/login").status_code == 200
    assert codes[0] == 200
    assert codes[-1] == 429


@pytest.mark.parametrize("name", ["../app.py", "%2e%2e/app.py", "css/../../app.py", "css", "", "x" * 5000])
def test_only_static_files_are_served(console: ConsoleUnderTest, name: str) -> None:
    assert console.client().get(f"/static/{name}").status_code == 404


def test_static_files_with_their_hash_are_kept_and_pages_are_not(console: ConsoleUnderTest) -> None:
    client = console.client()
    assert "immutable" in client.get("/static/css/base.css?v=1").headers["Cache-Control"]
    assert client.get("/static/css/base.css").headers["Cache-Control"] == "no-cache"
    assert client.get("/login").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/tidzam/login", "/login"])
def test_below_a_path_of_a_proxy_all_addresses_have_it(tmp_path: Path, path: str) -> None:
    """Some proxies remove the path, some do not."""
    with console_under_test(tmp_path, root_path="/tidzam") as console:
        page = console.client().get(path).text
        assert 'action="/tidzam/login"' in page
        assert 'src="/tidzam/static/js/theme.js?v=' in page
        cookie = console.log_in("viewer").headers["Set-Cookie"]
        assert "Path=/tidzam/;" in cookie
        assert console.client().get("/").headers["Location"] == "/tidzam/login?next=%2Ftidzam%2F"
        assert console.client().get("/tidzam/static/css/base.css").status_code == 200
