"""What libraries print on being loaded or used, and no user should see."""

from __future__ import annotations

import re

_NOISE = re.compile(
    r"absl|oneDNN|grpc|\b[\w.]*Warning\b|^WARNING|^[IWE]\d{4}|\b[IWE] (tensorflow|external)/|\bcuda|Traceback|"
    r"resource_tracker|SpawnProcess|warnings\.warn",
    re.IGNORECASE,
)


def start_up_noise(stderr: str) -> list[str]:
    """The lines of `stderr` that come from a library, not from Tidzam."""
    return [line for line in stderr.splitlines() if _NOISE.search(line)]
