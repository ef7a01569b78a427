"""HTTP requests to the servers of the node, never through a proxy."""

from __future__ import annotations

import urllib.error
import urllib.request
from http.client import HTTPException

from tidzam.proxy import open_direct
from tidzam.tokens import bearer


def answers(url: str, timeout_s: float, token: str | None = None) -> bool:
    """Whether an HTTP server answers at `url`, with any status. The token is sent so that no violation is logged."""
    try:
        with open_direct(urllib.request.Request(url, headers=bearer(token)), timeout_s=timeout_s):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, HTTPException):
        return False
