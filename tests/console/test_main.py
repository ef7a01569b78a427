"""`python -m console`, as a node runs it: over HTTP and TLS, until it is asked to end."""

from __future__ import annotations

import json
import resource
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.eventually import eventually
from tests.support.ports import free_port
from tidzam.proxy import open_direct

pytestmark = pytest.mark.timeout(90)


@contextmanager
def running(folder: Path, **console: Any) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The program with a profile of its own, and its port."""
    port, profile = free_port(), folder / "profile.yaml"
    profile.write_text(yaml.safe_dump({"home": str(folder), "console": {"port": port, **console}}))
    argv = [sys.executable, "-m", "console", "--profile", str(profile)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process, port
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def few_open_files() -> Iterator[int]:
    """A low limit of open files, which programs that are started inherit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    yield 512
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_it_serves_raises_its_limit_of_files_reports_its_health_and_ends(tmp_path: Path, few_open_files: int) -> None:
    (tmp_path / "token").write_text("t" * 32)
    (tmp_path / "token").chmod(0o600)
    with running(tmp_path) as (process, port):
        eventually(lambda: answers(port), what="the console answers")
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/healthz", headers={"Authorization": f"Bearer {'t' * 32}"}
        )
        with open_direct(request, timeout_s=5) as response:
            health = json.load(response)
        assert (health["ok"], health["reasons"]) == (True, [])
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0] > few_open_files
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_with_a_certificate_it_serves_https_which_the_node_understands(tmp_path: Path) -> None:
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=station.example", "-days", "2"]
    subprocess.run(
        [*make, "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")],
        check=True,
        capture_output=True,
    )
    with running(tmp_path, certificate="cert.pem", private_key="key.pem") as (_, port):
        eventually(lambda: answers(port), what="the console answers")
        with open_direct(f"https://127.0.0.1:{port}/healthz", timeout_s=5) as response:
            assert json.load(response) == {"ok": True}
        assert ssl.get_server_certificate(("127.0.0.1", port)).strip() == (tmp_path / "cert.pem").read_text().strip()


@pytest.mark.parametrize(
    ("console", "expected"),
    [
        ({"certificate": "none.pem", "private_key": "none.pem"}, "none.pem cannot be used: No such file or directory."),
        ({"host": "192.0.2.1"}, "The console cannot listen on 192.0.2.1:"),
    ],
)
def test_what_prevents_the_start_is_said_in_one_line(tmp_path: Path, console: dict[str, str], expected: str) -> None:
    with running(tmp_path, **console) as (process, _):
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert expected in output
    assert "Traceback" not in output
