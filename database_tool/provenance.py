"""The provenance of a dataset: the operations that made it, in order."""

from __future__ import annotations

from typing import Any

from tidzam import __version__
from tidzam.dataset import Dataset


def with_step(base: Dataset | None, operation: str, **details: Any) -> dict[str, Any]:
    """The provenance of `base` with one more step. It has no times: the same operations give the same manifest."""
    steps = list(base.manifest.provenance.get("steps", ())) if base is not None else []
    before = {} if base is None else {"from": base.checksum}
    return {"steps": [*steps, {"operation": operation, "tidzam": __version__, **before, **details}]}
