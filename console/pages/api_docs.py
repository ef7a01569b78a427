"""The page that describes the REST API, made from its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from console.web.permissions import CurrentVisitor, needs
from console.web.templates import render
from console.web.urls import root_of
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/api", dependencies=[needs(Permission.VIEW)])


@dataclass(frozen=True, kw_only=True)
class ParameterDoc:
    """A parameter or a field of a body, as the page shows it."""

    name: str
    place: str
    kind: str
    is_required: bool
    description: str


@dataclass(frozen=True, kw_only=True)
class OperationDoc:
    """An operation of the API, as the page shows it."""

    id: str
    method: str
    path: str
    topic: str
    summary: str
    inputs: tuple[ParameterDoc, ...]
    outputs: tuple[ParameterDoc, ...]


@router.get("/openapi.json")
def openapi(request: Request) -> JSONResponse:
    """The OpenAPI document."""
    return JSONResponse({**request.app.openapi(), "servers": [{"url": root_of(request) or "/"}]})


@router.get("/docs")
def show_api(request: Request, visitor: CurrentVisitor) -> Response:
    """All operations by topic."""
    operations = tuple(operation_docs(request.app.openapi()))
    topics: dict[str, list[OperationDoc]] = {operation.topic: [] for operation in operations}
    for operation in operations:
        topics[operation.topic].append(operation)
    base = f"{request.url.scheme}://{request.url.netloc}{root_of(request)}"
    return render(request, "api_docs.html", visitor=visitor, topics=topics, base=base)


def operation_docs(document: Mapping[str, Any]) -> Iterator[OperationDoc]:
    """The operations of an OpenAPI document, in its order."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            inputs = [_parameter(parameter) for parameter in operation.get("parameters", ())]
            body = operation.get("requestBody", {}).get("content", {})
            inputs += _fields(document, body.get("application/json", {}).get("schema", {}), "body")
            yield OperationDoc(
                id=operation["operationId"],
                method=method.upper(),
                path=path,
                topic=operation["tags"][0],
                summary=operation.get("description", ""),
                inputs=tuple(inputs),
                outputs=tuple(_fields(document, _response(operation), "")),
            )


def _response(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the response to a request that succeeds; empty if it has no body."""
    answers: Mapping[str, Mapping[str, Any]] = operation["responses"]
    good = next((answer for status, answer in answers.items() if status.startswith("2")), {})
    schema: Mapping[str, Any] = good.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _parameter(parameter: Mapping[str, Any]) -> ParameterDoc:
    schema = parameter["schema"]
    return ParameterDoc(
        name=parameter["name"],
        place=parameter["in"],
        kind=_kind(schema),
        is_required=parameter.get("required", False),
        description=parameter.get("description") or schema.get("description", ""),
    )


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any], place: str) -> list[ParameterDoc]:
    """The fields of an object, or of the objects in a list."""
    inner = schema.get("items", schema)
    found = _resolved(document, inner)
    return [
        ParameterDoc(
            name=name,
            place=place,
            kind=_kind(field),
            is_required=name in found.get("required", ()),
            description=field.get("description", ""),
        )
        for name, field in found.get("properties", {}).items()
    ]


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def _kind(schema: Mapping[str, Any]) -> str:
    """The type of a field in words."""
    if options := schema.get("anyOf"):
        return " or ".join(dict.fromkeys(map(_kind, options)))
    if name := schema.get("$ref", "").rpartition("/")[2]:
        return str(name)
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "any"))
