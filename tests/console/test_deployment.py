"""The configurations of docs/deployment.md as they are printed: the console behind Caddy and nginx, and the unit."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
import yaml

from tests.support.console import PASSWORD, ConsoleUnderTest
from tests.support.console_server import serving_console
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tidzam.config import Settings

DOCUMENT = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text(encoding="utf-8")
NAME = "station.example"
pytestmark = pytest.mark.timeout(90)


def block(heading: str) -> str:
    """The first listing below a heading of the page."""
    section = DOCUMENT.partition(f"## {heading}\n")[2]
    found = re.search(r"```\w*\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def caddy(folder: Path, port: int, console: int) -> list[str]:
    """The command line of Caddy with the printed configuration, and the test's ports and certificate."""
    site = block("Behind Caddy").replace("127.0.0.1:8090", f"127.0.0.1:{console}")
    site = site.replace(f"{NAME} {{", f"https://{NAME}:{port} {{\n\ttls {folder}/cert.pem {folder}/key.pem")
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"
    (folder / "Caddyfile").write_text(options + site)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def nginx(folder: Path, port: int, console: int) -> list[str]:
    """The command line of nginx with the printed configuration, and the test's ports and certificate."""
    server = (
        block("Behind nginx").replace("127.0.0.1:8090", f"127.0.0.1:{console}").replace("listen 443", f"listen {port}")
    )
    server = server.replace("/etc/ssl/station.pem", f"{folder}/cert.pem").replace(
        "/etc/ssl/station.key", f"{folder}/key.pem"
    )
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    head = f"daemon off; pid {folder}/pid; error_log stderr; events {{}}"
    (folder / "nginx.conf").write_text(f"{head}\nhttp {{ access_log off; {places}\n{server}}}\n")
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]


CLIENT = "127.0.0.5"
"""The address of the browser, which is not that of the proxy."""


@dataclass(frozen=True)
class ProxiedSite:
    """The console as a browser on another machine sees it, below `https://station.example:PORT/tidzam`."""

    port: int
    console: ConsoleUnderTest
    client: httpx2.Client

    def open(self, path: str, form: dict[str, str] | None = None) -> httpx2.Response:
        """The response to a request that a browser would send. Redirections inside the site are followed."""
        method, named = "POST" if form else "GET", {"sni_hostname": NAME}
        response = self.client.request(method, path, data=form, extensions=named)
        while response.is_redirect:
            target = urlsplit(response.headers["Location"])
            assert target.hostname in (None, NAME)
            response = self.client.get(f"{target.path}?{target.query}", extensions=named)
        return response

    def is_up(self) -> bool:
        try:
            return self.open("/tidzam/healthz").status_code == 200
        except httpx2.TransportError:
            return False


def browser(port: int) -> httpx2.Client:
    return httpx2.Client(
        transport=httpx2.HTTPTransport(verify=False, local_address=CLIENT),
        base_url=f"https://127.0.0.1:{port}",
        headers={"Host": f"{NAME}:{port}", "Origin": f"https://{NAME}:{port}"},
    )


@pytest.fixture(params=[caddy, nginx], ids=["caddy", "nginx"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ProxiedSite]:
    settings = yaml.safe_load(block("The profile"))
    port, folder = free_port(), tmp_path / "proxy"
    folder.mkdir()
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={NAME}", "-days", "2"]
    files = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"]
    subprocess.run([*make, *files], check=True, capture_output=True)
    sections = {"profile": {"access": settings["access"]}, **settings["console"]}
    with serving_console(tmp_path, with_programs=False, **sections) as (_, made):
        console = made.runtime.settings.console.port
        with (folder / "log").open("w") as log:
            environment = {"HOME": str(folder), "PATH": "/usr/bin:/usr/sbin"}
            process = subprocess.Popen(request.param(folder, port, console), env=environment, stderr=log, stdout=log)
        with browser(port) as client:
            found = ProxiedSite(port, made, client)
            try:
                eventually(found.is_up, what=lambda: (folder / "log").read_text())
                yield found
            finally:
                process.terminate()
                process.wait(timeout=20)


def test_only_the_console_is_reached_from_other_machines() -> None:
    settings = Settings.model_validate(yaml.safe_load(block("One door")))
    others = (settings.icecast, settings.stream_manager, settings.analyzer)
    assert [settings.console.host, *(one.host for one in others)] == ["0.0.0.0", *["127.0.0.1"] * 3]


def test_a_user_logs_in_below_the_path_of_a_proxy(site: ProxiedSite) -> None:
    assert 'action="/tidzam/login"' in site.open("/tidzam/login").text
    entered = site.open("/tidzam/login", {"username": "viewer", "password": PASSWORD})
    assert entered.status_code == 200
    (cookie,) = site.client.cookies.jar
    assert (cookie.secure, cookie.path) == (True, "/tidzam/")


def test_the_client_and_not_the_proxy_is_in_the_audit_log(site: ProxiedSite) -> None:
    site.open("/tidzam/login", {"username": "viewer", "password": PASSWORD})
    own = f"http://127.0.0.1:{site.console.runtime.settings.console.port}"
    entries = site.console.logged_in("admin", base=own).get("/api/v1/audit").json()["entries"]
    assert [entry["address"] for entry in entries if entry["actor"] == "viewer"] == [CLIENT]


def test_the_first_page_and_its_styles_are_found(site: ProxiedSite) -> None:
    page = site.open("/tidzam").text
    styles = re.findall(r'href="(/tidzam/static/css/[^"]+)"', page)
    assert styles
    assert {site.open(style).status_code for style in styles} == {200}


def test_live_updates_arrive_at_once(site: ProxiedSite) -> None:
    site.open("/tidzam/login", {"username": "viewer", "password": PASSWORD})
    named = {"sni_hostname": NAME}
    with site.client.stream("GET", "/tidzam/api/v1/live/events", timeout=20, extensions=named) as response:
        assert any(line.startswith("event:") for line in response.iter_lines())


def test_the_console_and_not_the_proxy_says_what_is_too_large(site: ProxiedSite) -> None:
    site.open("/tidzam/login", {"username": "annotator", "password": PASSWORD})
    origin = f"https://{NAME}:{site.port}"
    response = site.client.post(
        "/tidzam/api/v1/annotations/import?format=csv&channel=pond:out_0",
        content="a,line,of,no,annotation\n" * 80_000,
        headers={"Content-Type": "text/csv", "Origin": origin},
        extensions={"sni_hostname": NAME},
    )
    assert response.json()["error"]["message"]


def test_the_unit_is_understood_by_systemd(tmp_path: Path) -> None:
    unit = tmp_path / "tidzam.service"
    text = block("Start with the machine").replace("/opt/tidzam/bin/tidzam", "/bin/true")
    unit.write_text(text.replace("User=tidzam", "User=root"))
    checked = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert "tidzam.service" not in checked.stderr
    assert checked.returncode == 0, checked.stderr
