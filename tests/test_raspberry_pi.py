"""An edge node can be installed on a 64-bit Raspberry Pi without a compiler: all that it needs has a wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
AWAY = ("Connection refused", "error sending request", "dns error", "Request failed")


def requirements(*extras: str) -> str:
    """The direct dependencies of Tidzam and of some extras."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    sections = [config["options"]["install_requires"], *(config["options.extras_require"][extra] for extra in extras)]
    return "\n".join(sections)


@pytest.mark.skipif(os.environ.get("TIDZAM_OFFLINE") == "1", reason="it asks the package index")
def test_every_dependency_has_a_wheel_for_64_bit_arm() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "-", "--only-binary", ":all:"),
            *("--python-platform", "aarch64-unknown-linux-gnu", "--python-version", version),
            *("--constraints", "constraints.txt", "--no-header", "--no-annotate"),
        ],
        input=requirements("mqtt", "litert"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode and any(words in done.stderr for words in AWAY):
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    assert {"onnxruntime", "numpy", "scipy", "ai-edge-litert"} <= {
        line.partition("==")[0] for line in done.stdout.split()
    }
