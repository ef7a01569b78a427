"""What programs log."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import logging, sys
from tidzam.log import set_up_logging
set_up_logging(sys.argv[1])
for name in ("matplotlib.font_manager", "some.library", "analyzer.app", "tidzam.server", "__main__"):
    logger = logging.getLogger(name)
    logger.debug("debug of %s", name)
    logger.info("info of %s", name)
    logger.error("error of %s", name)
"""
LIBRARIES = ("matplotlib.font_manager", "some.library")
OURS = ("analyzer.app", "tidzam.server", "__main__")


@pytest.mark.parametrize(
    ("level", "ours", "libraries"),
    [
        ("debug", {"debug", "info", "error"}, {"debug", "info", "error"}),
        ("info", {"info", "error"}, {"error"}),
        ("warning", {"error"}, {"error"}),
    ],
)
def test_libraries_log_no_more_than_warnings(level: str, ours: set[str], libraries: set[str]) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, level], capture_output=True, text=True, check=True)
    for names, wanted in ((OURS, ours), (LIBRARIES, libraries)):
        for name in names:
            levels = {line.rpartition(": ")[2].split()[0] for line in done.stderr.splitlines() if line.endswith(name)}
            assert levels == wanted, (name, done.stderr)
