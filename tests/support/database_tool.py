"""The command line of the database tool, run in this process, and a folder of audio for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from typer.testing import CliRunner, Result

from database_tool.__main__ import app

RATE_HZ = 8000
SMALL = ("--rate-hz", str(RATE_HZ), "--mels", "16", "--processes", "1")
"""Options that compile quickly."""


def run(*arguments: object, code: int = 0) -> Result:
    """Run a command, which is expected to exit with `code`. Raises what it raises, such as a TidzamError."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done


def values(*arguments: object) -> dict[str, Any]:
    """What a command prints with --json."""
    found = json.loads(run(*arguments, "--json").stdout)
    assert isinstance(found, dict)
    return found


def noise(path: Path, seconds: float = 2.0, *, channels: int = 1) -> Path:
    """A file of noise, different for every name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(sum(path.name.encode()))
    soundfile.write(path, 0.1 * draw.standard_normal((round(seconds * RATE_HZ), channels)), RATE_HZ)
    return path
