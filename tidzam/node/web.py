"""Questions to the node's own servers by HTTP, never through a proxy."""

from __future__ import annotations

import urllib.error
from http.client import HTTPException

from tidzam.proxy import open_direct


def answers(url: str, timeout_s: float) -> bool:
    """Whether an HTTP server answers at `url`, whatever it answers."""
    try:
        with open_direct(url, timeout_s=timeout_s):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, HTTPException):
        return False
