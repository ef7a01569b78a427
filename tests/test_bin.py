"""bin/tidzam: its message if it may not install what is missing, and its silence if nothing is."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CHECKOUT = (
    *("bin/tidzam", "setup.cfg", "constraints.txt", "pyproject.toml"),
    *("tidzam/node/system_packages.txt", "tests/system_packages.txt"),
)
NEEDED = ("bash", "env", "readlink", "dirname", "cat", "cksum", "sort", "flock", "id", "python3")
"""Programs of every Debian system; none of those that Tidzam runs."""


@pytest.fixture
def bare() -> Iterator[Path]:
    """A checkout without .venv, and in `path` the programs of a machine on which nothing was installed."""
    with tempfile.TemporaryDirectory() as folder:  # other users cannot enter the folders of pytest
        Path(folder).chmod(0o777)
        yield lay_out(Path(folder))


def lay_out(folder: Path) -> Path:
    for name in CHECKOUT:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "path").mkdir()
    for name in NEEDED:
        (folder / "path" / name).symlink_to(os.path.realpath(shutil.which(name) or f"/bin/{name}"))
    return folder


def run_as_nobody(bare: Path, *words: str) -> subprocess.CompletedProcess[str]:
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] if os.geteuid() == 0 else []
    argv = [*drop, str(bare / "path" / "env"), "-i", f"PATH={bare / 'path'}", str(bare / "bin" / "tidzam"), *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_without_the_right_to_install_the_packages_are_named(bare: Path) -> None:
    done = run_as_nobody(bare, "start")
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "missing" in line]
    for package in ("jackd2", "mpv", "ffmpeg", "icecast2"):
        assert package in line
    assert "apt-get install" in line


@pytest.mark.parametrize(("words", "tests_too"), [(("start",), False), (("test",), True), (("install", "all"), True)])
def test_packages_of_the_tests_are_installed_for_the_tests_only(
    bare: Path, words: tuple[str, ...], tests_too: bool
) -> None:
    assert ("iproute2" in run_as_nobody(bare, *words).stderr) == tests_too


@pytest.mark.parametrize(
    ("words", "parts"),
    [("start", "search"), ("start configs/birdnet.yaml", "search"), ("status", ""), ("install parquet", "parquet")],
)
def test_a_node_is_started_with_what_its_pages_need(words: str, parts: str) -> None:
    script = f'eval "$(sed -n "/^extras_of/,/^}}/p" {ROOT}/bin/tidzam)"; extras_of {words}'
    found = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == parts


def test_once_all_is_there_it_adds_nothing() -> None:
    command = [str(ROOT / "bin" / "tidzam"), "--version"]
    subprocess.run(command, capture_output=True, check=True)  # a checkout that changed since is brought up to date
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout.split()[0], done.stderr) == ("tidzam", "")
