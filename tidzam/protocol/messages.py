"""The common parts of all messages: parsing, refusals, and types with a format defined by the wire."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from tidzam.errors import RequestError
from tidzam.scrub import hide_credentials
from tidzam.suggest import nearest
from tidzam.text import comma_list
from tidzam.times import parse_time
from tidzam.validation import reason

_LONGEST_QUOTE = 80
_LONGEST_ECHO = 1000
_LONGEST_INTEGER = 1024
_MOST_NAMED = 3
_MOST_NAMES = 256
_LONGEST_NAME = 128
_LONGEST_COMMAND = 64


class _ShortRepr(reprlib.Repr):
    def repr_int(self, x: int, level: int) -> str:
        """Python refuses to write an integer of thousands of digits."""
        return super().repr_int(x, level) if x.bit_length() < _LONGEST_INTEGER else f"<{x.bit_length()} bits>"


_SHORT = _ShortRepr()
"""It stops early, since a value may be as long as a message."""
_SHORT.maxlevel, _SHORT.maxlist, _SHORT.maxdict, _SHORT.maxstring, _SHORT.maxother = 4, 40, 40, 80, 80


class Message(BaseModel):
    """An immutable message. Unknown keys are errors. A `bool` may be sent as true, 1, "True" or "true"."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WireError(Message):
    """The reason why a request was refused."""

    code: str = Field(description="What is wrong, for programs")
    message: str = Field(description="What is wrong, and what to do")
    field: str | None = Field(description="The key that is wrong, if one is")


class Refusal(Message):
    """The acknowledgement of a refused request. That of a successful one has `ok` true and the keys of the response."""

    ok: Literal[False] = Field(description="Always false")
    error: WireError = Field(description="The reason")


AnyMessage = TypeVar("AnyMessage", bound=Message)


def parse(model: type[AnyMessage], data: Any) -> AnyMessage:
    """`data` as a `model`. Raises RequestError with the first errors; its `field` is that of the first one."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        count, faults = error.error_count(), error.errors(include_url=False)[:_MOST_NAMED]
    places = [".".join(map(str, fault["loc"]))[:_LONGEST_QUOTE] for fault in faults]
    named = "; ".join(_describe(place, fault, model) for place, fault in zip(places, faults, strict=True))
    more = f"; and {count - _MOST_NAMED} more errors" if count > _MOST_NAMED else ""
    raise RequestError(f"Invalid request: {named}{more}.", field=places[0] or None)


def parse_command(data: Any, known: tuple[str, ...]) -> tuple[str, Any]:
    """The command in a `sys` request, and its content. Raises RequestError."""
    inner = data["sys"] if isinstance(data, Mapping) and "sys" in data else data
    if not isinstance(inner, Mapping) or len(inner) != 1:
        raise RequestError(
            f"A sys request must contain exactly one command; found {quote(inner)}.",
            hint=f"The commands are: {', '.join(known)}.",
        )
    command, content = next(iter(inner.items()))
    if command not in known:
        name = str(command)[:_LONGEST_COMMAND]
        raise RequestError(f"Unknown command {quote(command)}{suggestion(name, known)}.", field=ascii(name)[1:-1])
    return command, content


def _describe(place: str, fault: ErrorDetails, model: type[Message]) -> str:
    if fault["type"] == "extra_forbidden":
        return f"unknown key {place!r}{suggestion(place, known_keys(model))}"
    if fault["type"] == "missing":
        return f"{place!r} is missing"
    subject = f"{place!r} is {quote(fault['input'])}; " if place else ""
    return f"{subject}{reason(fault)}"


def known_keys(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys of a message on the wire."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def suggestion(key: str, known: tuple[str, ...]) -> str:
    """` (did you mean 'url'?)`, or the known keys if none is similar."""
    if near := nearest(key, known):
        return f" (did you mean {near!r}?)"
    return f" (known: {', '.join(known)})" if known else " (no key is expected)"


def quote(value: Any) -> str:
    """A value of the request, shortened for a message. Credentials are hidden."""
    if isinstance(value, str):
        value = hide_credentials(value)
    if isinstance(value, (str, bytes)):
        text = repr(value[:_LONGEST_QUOTE])
        return text if len(value) <= _LONGEST_QUOTE and len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
    text = _SHORT.repr(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"


def _time(value: Any) -> Any:
    return parse_time(value) if isinstance(value, str) else value


WireTime = Annotated[datetime, BeforeValidator(_time)]
"""`YYYY-MM-DD-HH-MM-SS` in UTC, with or without a fraction of a second and a zone (`Z`, `+02:00`)."""


def wire_time(time: datetime) -> str:
    """`YYYY-MM-DD-HH-MM-SS.mmm`, in UTC."""
    return time.astimezone(UTC).strftime("%Y-%m-%d-%H-%M-%S.%f")[:-3]


def _names(value: Any) -> Any:
    """`a,b`, `[a, b]` or a single number as a tuple of names."""
    if isinstance(value, str):
        return comma_list(value)
    if _is_number(value):
        return (str(value),)
    if isinstance(value, list):
        return tuple(str(one) if _is_number(one) else one for one in value)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


WireNames = Annotated[
    tuple[Annotated[str, Field(max_length=_LONGEST_NAME)], ...], BeforeValidator(_names), Field(max_length=_MOST_NAMES)
]
"""Comma-separated names or numbers, or a list of them."""


def schema_of(messages: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """The JSON Schema of `messages`: one definition per message, by its name on the wire."""
    definitions: dict[str, Any] = {}
    for name, model in messages.items():
        schema = model.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
        definitions.update(schema.pop("$defs", {}))
        definitions[name] = {**schema, "title": name}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions}


def echo(request: Any) -> Any:
    """`request` as it is sent back with a refusal: as JSON, and only its beginning if it is long.

    Values that JSON cannot represent, such as bytes, are quoted. Credentials are hidden, since others may read it.
    """
    text = json.dumps(request, default=quote)
    if len(text) > _LONGEST_ECHO:
        return {"truncated": hide_credentials(text)[:_LONGEST_QUOTE]}
    return _without_credentials(json.loads(text))


def _without_credentials(value: Any) -> Any:
    match value:
        case str():
            return hide_credentials(value)
        case list():
            return [_without_credentials(item) for item in value]
        case dict():
            return {key: _without_credentials(item) for key, item in value.items()}
    return value
