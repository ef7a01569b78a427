"""A dataset's provenance: what was done to it, step after step."""

from __future__ import annotations

from typing import Any

from tidzam import __version__
from tidzam.dataset import Dataset


def with_step(base: Dataset | None, operation: str, **details: Any) -> dict[str, Any]:
    """The provenance of `base` with one more step. No clock is read: the same work gives the same manifest."""
    steps = list(base.manifest.provenance.get("steps", ())) if base is not None else []
    before = {} if base is None else {"from": base.checksum}
    return {"steps": [*steps, {"operation": operation, "tidzam": __version__, **before, **details}]}
