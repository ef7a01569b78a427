"""The audit log of what requests change: as a table, which names every route that may change something."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import select

from tests.console.test_routes import ROUTES
from tests.support.annotations import body
from tests.support.console import PASSWORD, ConsoleUnderTest
from tests.support.store_records import detection
from tidzam.accounts.audit import AuditAction
from tidzam.store.tables.accounts import AuditRow
from tidzam.store.writer import StoreWriter

CHANGES: tuple[tuple[str, str, dict[str, Any] | None, AuditAction], ...] = (
    ("POST", "/api/v1/users", {"name": "ann", "role": "viewer", "password": PASSWORD}, AuditAction.USER_ADDED),
    ("PATCH", "/api/v1/users/ann", {"role": "manager"}, AuditAction.ROLE_CHANGED),
    ("DELETE", "/api/v1/users/ann", None, AuditAction.USER_REMOVED),
    ("POST", "/api/v1/account/tokens", {"name": "station", "scopes": ["view"]}, AuditAction.TOKEN_ADDED),
    ("DELETE", "/api/v1/account/tokens/1", None, AuditAction.TOKEN_REMOVED),
    ("POST", "/api/v1/tags", {"name": "robin"}, AuditAction.TAG_ADDED),
    ("PATCH", "/api/v1/tags/robin", {"name": "dipper"}, AuditAction.TAG_RENAMED),
    ("DELETE", "/api/v1/tags/dipper", None, AuditAction.TAG_REMOVED),
    ("POST", "/api/v1/annotations", body(), AuditAction.ANNOTATION_ADDED),
    ("PATCH", "/api/v1/annotations/1", {"version": 1, "tag": "robin"}, AuditAction.ANNOTATION_CHANGED),
    ("DELETE", "/api/v1/annotations/1?version=2", None, AuditAction.ANNOTATION_DELETED),
    ("POST", "/api/v1/annotations/import?format=csv", None, AuditAction.ANNOTATIONS_IMPORTED),
    ("POST", "/api/v1/detections/verdicts", {"ids": [1], "verdict": "right"}, AuditAction.DETECTIONS_JUDGED),
    ("POST", "/api/v1/detections/stars", {"ids": [1], "starred": True}, AuditAction.DETECTIONS_STARRED),
    ("POST", "/api/v1/novelty/name", {"ids": [3], "tag": "wren"}, AuditAction.NOVELTY_NAMED),
    ("POST", "/api/v1/novelty/restore", {"ids": [3], "tag": "wren"}, AuditAction.NOVELTY_RESTORED),
    ("POST", "/api/v1/novelty/dismiss", {"ids": [3]}, AuditAction.NOVELTY_DISMISSED),
    ("PUT", "/api/v1/classes/rules", {"path": "birds", "excluded": True}, AuditAction.CLASS_RULE_CHANGED),
    ("POST", "/api/v1/classes/remove", {"path": "birds/wren"}, AuditAction.CLASS_REMOVED),
    ("POST", "/api/v1/activity/prior", None, AuditAction.TIME_MODELS_MADE),
)
"""Requests of an admin that change something, in this order, and what the log says of each."""
ELSEWHERE = {
    "test_log_in": {("POST", "/api/v1/session"), ("DELETE", "/api/v1/session")},
    "test_pages": {("POST", "/api/v1/account/password"), ("DELETE", "/api/v1/account/sessions/{id}")},
    "test_sources": {
        ("POST", "/api/v1/sources"),
        ("PUT", "/api/v1/sources/{name}"),
        ("DELETE", "/api/v1/sources/{name}"),
        ("POST", "/api/v1/sources/{name}/reload"),
        ("PUT", "/api/v1/sources/{name}/recording"),
    },
    "test_microphones": {("POST", "/api/v1/microphones"), ("DELETE", "/api/v1/microphones/{id}")},
    "library": {
        ("DELETE", "/api/v1/models/{name}"),
        ("PUT", "/api/v1/models/{name}/thresholds"),
        ("PUT", "/api/v1/classifiers/shadow"),
        ("DELETE", "/api/v1/classifiers/shadow"),
        ("POST", "/api/v1/classifiers/promote"),
        ("POST", "/api/v1/classifiers/roll-back"),
    },
    "test_jobs": {
        ("POST", "/api/v1/backups"),
        ("POST", "/api/v1/backups/{name}/verify"),
        ("POST", "/api/v1/jobs/{id}/cancel"),
        ("POST", "/api/v1/recognizers"),
        ("POST", "/api/v1/trainings"),
        ("POST", "/api/v1/datasets"),
    },
    "test_annotations": {("POST", "/api/v1/detections/{id}/annotation")},
}
"""Routes that need another program, a job or a session: the tests that ask what the log says of them."""
UNCHANGED = {
    ("POST", "/api/v1/sources/test"),
    ("POST", "/api/v1/recognizers/plan"),
    ("POST", "/api/v1/microphones/{id}/audio"),
    ("POST", "/api/v1/forward/records"),
    ("OPTIONS", "/api/v1/forward/clips"),
    ("POST", "/api/v1/forward/clips"),
    ("PATCH", "/api/v1/forward/clips/{id}"),
    ("DELETE", "/api/v1/forward/clips/{id}"),
}
"""Routes that change nothing that is kept, or by which other nodes add what they hear."""


def test_every_change_leaves_one_row(console: ConsoleUnderTest) -> None:
    StoreWriter(console.store).write(
        [detection(1, node="marsh"), detection(2, node="marsh"), detection(3, node="marsh", path=("novel",))]
    )
    client = console.logged_in("admin")
    before = rows(console)
    for method, path, content, _ in CHANGES:
        table: dict[str, Any] = (
            {"content": b"channel,start,end,tag\n"} if path.endswith("format=csv") else {"json": content}
        )
        response = client.request(method, path, **table)
        assert response.is_success, f"{method} {path}: {response.text}"
    assert rows(console)[len(before) :] == [action.value for *_, action in CHANGES]


def test_the_tables_name_every_route_of_the_api() -> None:
    """Pages do the same by the same services."""
    api = {route for route in ROUTES if route[0] != "GET" and route[1].startswith("/api/")}
    called = {
        (method, path)
        for method, path in api
        for asked, address, *_ in CHANGES
        if asked == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), address.partition("?")[0])
    }
    assert api == called | UNCHANGED | set().union(*ELSEWHERE.values())


def rows(console: ConsoleUnderTest) -> list[str]:
    with console.store.read() as session:
        return list(session.scalars(select(AuditRow.action).order_by(AuditRow.id)))
