"""Annotations for tests: of a channel of the node `marsh`, on 2026-05-01."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from console.accounts.visitor import Visitor
from console.live.notices import Notices
from console.services.annotations.models import AnnotationRequest
from console.services.annotations.service import AnnotationService
from console.services.node_state import node_view
from tidzam.accounts.roles import PERMISSIONS, Role
from tidzam.config import Settings
from tidzam.store.database import Store

DAWN = datetime(2026, 5, 1, 4, 30, tzinfo=UTC)
CHANNEL = "tidzam-livestreams:out_0"
"""A channel that every node has."""
ANNOTATOR = Visitor(permissions=PERMISSIONS[Role.ANNOTATOR], address="127.0.0.1", name="annotator")


def annotation_service(store: Store, home: Path, **profile: Any) -> AnnotationService:
    """The annotations of a node that is called marsh, whose clock is that of Paris."""
    return AnnotationService(
        store=store,
        settings=Settings.model_validate({"home": home, "node": {"name": "marsh"}, **profile}),
        zone=ZoneInfo("Europe/Paris"),
        notices=Notices(),
        node=lambda: node_view("marsh", None, None, now=DAWN),
        now=lambda: DAWN,
    )


def request(at_s: float = 0.0, **changes: Any) -> AnnotationRequest:
    """A wren for two seconds, `at_s` seconds after dawn."""
    return AnnotationRequest.model_validate(body(at_s, **changes))


def body(at_s: float = 0.0, **changes: Any) -> dict[str, Any]:
    """The same as JSON."""
    start = DAWN + timedelta(seconds=at_s)
    times = {"start": start.isoformat(), "end": (start + timedelta(seconds=2)).isoformat()}
    return {"channel": CHANNEL, "tag": "wren", **times, **changes}
