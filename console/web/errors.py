"""Errors as HTTP responses: JSON for the REST API, a page for people. Each says in a sentence what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from console.accounts.log_in import LockedOutError
from console.services.annotations.conflict import AnnotationConflictError
from console.services.turns import BusyError
from console.services.unfinished_sound import StillRecordingError
from console.web.templates import render
from console.web.urls import is_api, local_path, route_path
from tidzam.errors import RequestError, StoreError, TidzamError
from tidzam.forwarding import CHECKSUM_MISMATCH, CLIPS_PATH, TUS_VERSION
from tidzam.protocol.messages import WireError

log = logging.getLogger(__name__)

FRAGMENT_HEADER: Final = "HX-Request"
"""Scripts send it when they ask for a part of a page, in which the log-in must not be shown. htmx sends it itself."""
STATUS: Final[Mapping[str, int]] = {
    "not_logged_in": 401,
    "login_failed": 401,
    "forbidden": 403,
    "csrf": 403,
    "wrong_password": 403,
    "no_password": 409,
    "not_found": 404,
    "no_user": 404,
    "no_recording": 404,
    "search_empty": 404,
    "user_exists": 409,
    "last_admin": 409,
    "model_in_use": 409,
    "analyzer_away": 503,
    "too_many_tokens": 409,
    "too_many_jobs": 409,
    "job_ended": 409,
    "job_unfinished": 409,
    "model_exists": 409,
    "training_unfinished": 409,
    "no_tensorflow": 409,
    "conflict": 409,
    "tag_exists": 409,
    "tag_in_use": 409,
    "not_heard": 404,
    "source_unknown": 404,
    "source_exists": 409,
    "not_recordable": 409,
    "too_many_sources": 409,
    "stream_manager_away": 503,
    "too_many_streams": 429,
    "forward_node": 403,
    "upload_offset": 409,
    "upload_taken": 409,
    "tus_version": 412,
    "clip_too_large": 413,
    "media_type": 415,
    "too_many_uploads": 429,
    "clip_damaged": CHECKSUM_MISMATCH,
    "forward_full": 507,
    "locked_out": 429,
    "rate_limited": 429,
    "openid": 401,
    "openid_away": 503,
    "no_account": 403,
    "busy": 503,
    "still_recording": 503,
}
"""The status of a RequestError by its code; that of all others is 422."""

_LATER: Final = LockedOutError | BusyError | StillRecordingError
"""Errors that state when the next attempt makes sense."""
_PHRASES: Final[Mapping[int, RequestError]] = {
    404: RequestError("There is no such page.", hint="The address may be mistyped.", code="not_found"),
    405: RequestError("This address does not support the request.", hint="See /api/docs.", code="request"),
}


class ErrorBody(BaseModel):
    """The body of every response that is an error."""

    error: WireError = Field(description="What is wrong, and what to do")


RESPONSES: Final[dict[int | str, dict[str, object]]] = {
    status: {"model": ErrorBody, "description": description}
    for status, description in {
        400: "The body is not what its Content-Type says",
        401: "Nobody is logged in, or the name or password is wrong",
        403: "The user may not do this, or the request may be forged",
        404: "There is no such thing",
        409: "It would contradict what there is",
        422: "A value is missing or invalid",
        429: "Too many requests; `Retry-After` says when the next is allowed",
        503: "The database, or the program that would do it, is away, too many requests take much work, or a sound is "
        "still being recorded; `Retry-After` may say when to try again",
    }.items()
}
"""What may go wrong with any request of the REST API."""


def status_of(error: TidzamError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, StoreError):
        return 503
    return STATUS.get(error.code, 422) if isinstance(error, RequestError) else 500


def add_error_handlers(app: FastAPI) -> None:
    """Answer all errors of `app`."""
    app.add_exception_handler(TidzamError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _unexpected)


def error_response(request: Request, error: TidzamError, status: int) -> Response:
    """The response to a request that failed: JSON, a page, or the log-in for people who must log in first."""
    headers = {"Retry-After": str(error.wait_s)} if isinstance(error, _LATER) else {}
    if route_path(request).startswith(CLIPS_PATH):
        headers |= {"Tus-Resumable": TUS_VERSION, "Tus-Version": TUS_VERSION}
    if status == 401 and is_api(request):
        headers["WWW-Authenticate"] = "Bearer"
    if is_api(request):
        return JSONResponse({"error": {**error.as_wire(), **_current(error)}}, status, headers)
    if error.code == "not_logged_in" and request.method == "GET" and FRAGMENT_HEADER not in request.headers:
        return RedirectResponse(local_path(request, "/login", next=request.url.path, query=request.url.query), 303)
    return render(request, "error.html", status=status, headers=headers, error=error, heading=_heading(status))


def _current(error: TidzamError) -> Mapping[str, object]:
    """What somebody else has made of the annotation that was to be changed."""
    if not isinstance(error, AnnotationConflictError):
        return {}
    return {"current": None if error.current is None else error.current.model_dump(mode="json")}


def _heading(status: int) -> str:
    known = {401: "Not logged in", 403: "Not allowed", 404: "Not found", 429: "Too many requests", 503: "Not now"}
    return known.get(status, "Not possible" if status < 500 else "Something went wrong")


def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, TidzamError)
    return error_response(request, error, status_of(error))


def _invalid(request: Request, error: Exception) -> Response:
    """A value that is missing or invalid; the first one, as everywhere in Tidzam."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:])
    reason = str(first["msg"]).removeprefix("Value error, ")
    place = f"{field}: " if field else ""
    found = RequestError(f"{place}{reason[:1].lower()}{reason[1:]}.", code="request", field=field or None)
    return error_response(request, found, 400 if first["type"] == "json_invalid" else 422)


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = _PHRASES.get(error.status_code) or RequestError(f"{error.detail}.", code="request")
    response = error_response(request, known, error.status_code)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def _unexpected(request: Request, error: Exception) -> Response:
    log.error("the request %s %s failed", request.method, request.url.path, exc_info=error)
    failure = TidzamError("The console failed to answer.", hint="See its log, and report the fault.", code="internal")
    return error_response(request, failure, 500)
