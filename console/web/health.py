"""`/healthz`: whether the console works, as `tidzam status` and the watchdog ask all programs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from console.web.permissions import Runtime, public
from console.web.runtime import ConsoleRuntime
from tidzam.errors import StoreError
from tidzam.text import shown
from tidzam.tokens import same_token

router = APIRouter(include_in_schema=False)


@router.get("/healthz", dependencies=[public()])
def healthz(request: Request, runtime: Runtime) -> JSONResponse:
    """Whether the database answers; the reasons are for those who present the node's token."""
    reasons = _reasons(runtime)
    body: dict[str, Any] = {"ok": not reasons}
    given = request.headers.get("Authorization", "").partition(" ")[2].strip()
    if same_token(given, runtime.token):
        body |= {"reasons": reasons, "detail": {"store": shown(runtime.store.address)}}
    return JSONResponse(body, 503 if reasons else 200)


def _reasons(runtime: ConsoleRuntime) -> list[str]:
    try:
        with runtime.store.read() as session:
            session.connection()
    except StoreError as error:
        return [str(error)]
    return []
