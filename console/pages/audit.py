"""The page of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from console.services.audit_log import audit_page
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.templates import render
from tidzam.accounts.audit import AuditAction
from tidzam.accounts.roles import Permission

router = APIRouter(dependencies=[needs(Permission.ADMINISTER)])

PAGE = 50
WORDS: Final[Mapping[str, str]] = {
    AuditAction.USER_ADDED: "added the user",
    AuditAction.USER_REMOVED: "removed the user",
    AuditAction.ROLE_CHANGED: "changed the role of",
    AuditAction.PASSWORD_CHANGED: "changed the password of",
    AuditAction.LOGGED_IN: "logged in",
    AuditAction.LOGGED_OUT: "logged out",
    AuditAction.LOCKED_OUT: "wrong passwords for",
    AuditAction.TOKEN_ADDED: "made the token",
    AuditAction.TOKEN_REMOVED: "removed the token",
    AuditAction.SOURCE_ADDED: "added the source",
    AuditAction.SOURCE_CHANGED: "changed the source",
    AuditAction.SOURCE_REMOVED: "removed the source",
    AuditAction.SOURCE_RELOADED: "loaded the source again",
    AuditAction.RECORDING_SWITCHED: "switched the recording of",
    AuditAction.MICROPHONE_BEGUN: "started the microphone",
    AuditAction.MICROPHONE_ENDED: "stopped the microphone",
    AuditAction.DETECTIONS_JUDGED: "judged the detections",
    AuditAction.DETECTIONS_STARRED: "changed the stars of the detections",
    AuditAction.NOVELTY_NAMED: "named the novel sounds",
    AuditAction.NOVELTY_DISMISSED: "dismissed the novel sounds",
    AuditAction.NOVELTY_RESTORED: "took back an answer about the novel sounds",
    AuditAction.CLASS_RULE_CHANGED: "decided about the class",
    AuditAction.CLASS_REMOVED: "removed detections of the class",
    AuditAction.JOB_STARTED: "started the job",
    AuditAction.JOB_CANCELLED: "cancelled the job",
    AuditAction.ANNOTATION_ADDED: "made the annotation",
    AuditAction.ANNOTATION_CHANGED: "changed the annotation",
    AuditAction.ANNOTATION_DELETED: "deleted the annotation",
    AuditAction.ANNOTATIONS_IMPORTED: "imported annotations of",
    AuditAction.TAG_ADDED: "added the tag",
    AuditAction.TAG_RENAMED: "renamed the tag",
    AuditAction.TAG_REMOVED: "removed the tag",
    AuditAction.TIME_MODELS_MADE: "made time models of",
    AuditAction.MODEL_SHADOWED: "tried as a shadow",
    AuditAction.MODEL_SHADOW_ENDED: "ended the shadow",
    AuditAction.MODEL_PROMOTED: "promoted",
    AuditAction.MODEL_ROLLED_BACK: "rolled back to",
    AuditAction.MODEL_THRESHOLDS: "changed the thresholds of",
    AuditAction.MODEL_REMOVED: "removed the model",
    AuditAction.MODEL_INSTALLED: "installed the model",
    AuditAction.BACKUP_RESTORED: "restored the backup",
    AuditAction.RECORDINGS_REMOVED: "deleted recordings of",
    AuditAction.ROWS_REMOVED: "removed old rows of the",
}
"""What was done, as people read it before the name of what it was done to."""


@router.get("/audit")
def show_audit_log(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    before: Annotated[int | None, Query(ge=0, lt=1 << 62)] = None,
) -> Response:
    """Who changed what, the newest first."""
    page = audit_page(runtime.store, before=before, limit=PAGE)
    return render(request, "audit.html", visitor=visitor, page=page, is_first=before is None, words=WORDS)
