"""Output of libraries, on import or in use, that users should not see."""

from __future__ import annotations

import re

_NOISE = re.compile(
    r"absl::|oneDNN|grpc_\w+\.cc|\b[A-Z]\w*Warning\b|"
    r"^(\x1b\[[0-9;?]*[A-Za-z])*(WARNING|[IWE]\d{4,8} )|\b[IWE] (tensorflow|external)/|"
    r"CUDA|cuInit|Traceback|resource_tracker|SpawnProcess|warnings\.warn|retracing"
)


def start_up_noise(stderr: str) -> list[str]:
    """The lines of `stderr` that libraries print without an error."""
    return [line for line in stderr.splitlines() if _NOISE.search(line)]
