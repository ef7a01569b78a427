"""Generated pages of the documentation: `.venv/bin/python docs/generate.py` writes those that are out of date.

`tests/test_docs.py` fails while one is out of date.
"""

from __future__ import annotations

import ast
import json
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from analyzer.__main__ import app as analyzer_app
from analyzer.metrics import HealthCollector
from console.__main__ import app as console_app
from database_tool.__main__ import app as database_tool_app
from database_tool.editor.__main__ import cli as editor_app
from stream_manager.__main__ import cli as stream_manager_app
from stream_manager.icecast.server import Icecast
from stream_manager.jack.capacity_metrics import CapacityMetrics
from stream_manager.jack.graph import JackGraph
from stream_manager.jack.reservations import JackReservations
from stream_manager.recorder.control import RecordingControl
from stream_manager.recorder.metrics import RecordingMetrics
from stream_manager.source_metrics import SourceMetrics
from tidzam.cli.__main__ import app as tidzam_app
from tidzam.cli.reference import document
from tidzam.config.__main__ import document as configuration
from tidzam.config.settings import IcecastSettings
from tidzam.error_codes import GROUPS
from tidzam.protocol import analyzer
from tidzam.protocol.examples.analyzer import ANALYZER_EVENTS, ANALYZER_REQUESTS, HEALTH, SHADOW
from tidzam.protocol.examples.base import EventExample, RequestExample
from tidzam.protocol.examples.stream_manager import REFUSED, SOURCE, STREAM_MANAGER_REQUESTS
from tidzam.protocol.live_streams import LiveStreamStatus
from tidzam.protocol.recordings import RecordingStatus
from tidzam.protocol.source_status import SourceStatus
from tidzam.protocol.stream_manager import StreamManagerFault, StreamManagerHealth
from trainer.cli import cli as trainer_app
from trainer.training_file_reference import document as training_file

DOCS = Path(__file__).parent
PACKAGES = ("tidzam", "stream_manager", "analyzer", "trainer", "database_tool", "console")

PROTOCOL = """# Protocol

The stream manager (port 8080) and the analyzer (port 8001 in a node) are servers for
[Socket.IO](https://socket.io/docs/v4/) 4 clients (protocol 5) in the default namespace. Binary data is sent as binary.

## Access

A client may present the node's token when it connects (`auth: {"token": "…"}`), or as `Authorization: Bearer …` over
HTTP. [Operating a node](operations.md) describes what is allowed without it. Requests from web pages of other
origins are refused.

## Requests and acknowledgements

A request is an event with one object. If the client asks for an acknowledgement, it is `{"ok": true, …}` with the keys
of the response, or `{"ok": false, "error": {"code", "message", "field"}}`. Without an acknowledgement the response is
sent on the event of the request, and a refusal as `{"error": {…}, "request-origin": <the request>}`. The codes are
listed in [Error codes](errors.md). Unknown keys are errors. A boolean may be `true`, `1`, `"True"` or `"true"`; a time
is `YYYY-MM-DD-HH-MM-SS` in UTC, with or without a fraction of a second. In a request, `Z` or an offset such as
`-05:00` may follow it.
"""

HTTP = """## HTTP

Both programs serve:

| route | content | needs |
| --- | --- | --- |
| `/healthz` | `{"ok", "reasons", "detail"}`, with status 200 if the program does its job, else 503 | nothing for `ok` |
| `/metrics` | [metrics](metrics.md) for Prometheus | the right to listen |
| `/schema.json` | the JSON Schema of every message | the right to listen |
"""

ERRORS = """# Error codes

Every error has a code, which clients may act on, and a message for people. Command lines print the message.
"""

MODULES = """# Modules

Every module and its responsibility. [Architecture](architecture.md) describes how they work together.
"""

METRICS = """# Metrics

Both programs serve metrics for [Prometheus](https://prometheus.io) at `/metrics`.
"""


def protocol() -> str:
    """The text of docs/protocol.md."""
    parts = [PROTOCOL, _request(REFUSED, level="###"), "## Stream manager\n"]
    parts += [_request(example) for example in STREAM_MANAGER_REQUESTS]
    parts += ["### Status of a source\n\n" + _fields(SourceStatus)]
    parts += ["### Status of a live stream\n\n" + _fields(LiveStreamStatus)]
    parts += ["### Status of a recording\n\n" + _fields(RecordingStatus)]
    parts += ["## Analyzer: requests\n", *(_request(example) for example in ANALYZER_REQUESTS)]
    parts += ["## Analyzer: events\n", *(_event(example) for example in ANALYZER_EVENTS)]
    parts += [HTTP, "### `detail` of the stream manager's `/healthz`\n\n" + _fields(StreamManagerHealth)]
    parts += ["### Faults\n\n" + _fields(StreamManagerFault) + "\n" + _fields(analyzer.AnalyzerFault)]
    return "\n".join(parts)


def errors() -> str:
    """The text of docs/errors.md."""
    parts = [ERRORS]
    for group, codes in GROUPS.items():
        rows = [f"| `{code}` | {' | '.join(explanation)} |" for code, explanation in codes.items()]
        parts.append(f"## {group}\n\n{_table(('code', 'meaning', 'cause', 'remedy'), rows)}")
    return "\n".join(parts)


def metrics() -> str:
    """The text of docs/metrics.md."""
    source = SourceStatus.model_validate(SOURCE)
    graph, icecast = SimpleNamespace(running=True, xruns=0), SimpleNamespace(mounts=())
    sources = SimpleNamespace(
        statuses=lambda: (source,),
        player_errors=lambda: {source.name: 0},
        output_failures=lambda: {(source.name, "icecast"): 0},
    )
    recordings, server = RecordingControl(), Icecast(IcecastSettings(), "", "")
    recordings.counters(source.name)
    health = analyzer.AnalyzerHealth.model_validate(HEALTH | {"shadow": SHADOW})
    programs = {
        "Stream manager": [
            *SourceMetrics("", graph, icecast, sources, ()).collect(),
            *RecordingMetrics(recordings).collect(),
            *CapacityMetrics(JackReservations(JackGraph("", expected_rate_hz=44100), port_max=2048), server).collect(),
        ],
        "Analyzer": HealthCollector(lambda: health, CollectorRegistry()).collect(),
    }
    parts = [METRICS]
    for program, described in programs.items():
        rows = [f"| `{_exposed_name(one)}` | {one.type} | {_labels(one)} | {one.documentation} |" for one in described]
        parts.append(f"## {program}\n\n{_table(('metric', 'type', 'labels', 'meaning'), rows)}")
    return "\n".join(parts)


def command_lines() -> str:
    """Every command line of a node."""
    return document(
        {
            "tidzam": tidzam_app,
            "python -m stream_manager": stream_manager_app,
            "python -m analyzer": analyzer_app,
            "python -m console": console_app,
            "python -m trainer": trainer_app,
            "python -m database_tool": database_tool_app,
            "python -m database_tool.editor": editor_app,
        }
    )


def modules() -> str:
    """The text of docs/modules.md: each module with the first paragraph of its docstring."""
    parts = [MODULES]
    for package in PACKAGES:
        for folder in sorted({path.parent for path in (DOCS.parent / package).rglob("*.py")}):
            described = [
                (path, ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))))
                for path in sorted(folder.glob("*.py"))
            ]
            rows = [
                f"| `{path.name}` | {_cell(' '.join(text.partition(chr(10) * 2)[0].split()))} |"
                for path, text in described
                if text
            ]
            parts.append(f"## `{folder.relative_to(DOCS.parent)}/`\n\n{_table(('module', 'responsibility'), rows)}")
    return "\n".join(parts)


PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": command_lines,
    "configuration.md": configuration,
    "errors.md": errors,
    "metrics.md": metrics,
    "modules.md": modules,
    "protocol.md": protocol,
    "training-file.md": training_file,
}


def _request(example: RequestExample, level: str = "###") -> str:
    parts = [f"{level} {example.title}\n"]
    parts += [f"{example.note}\n"] if example.note else []
    parts += [_fields(example.message)] if example.message is not None and example.message.model_fields else []
    parts += [
        f"Event `{example.event}`:\n",
        _json(example.request),
        "Acknowledgement:\n",
        _json(example.acknowledgement),
    ]
    return "\n".join(parts)


def _event(example: EventExample) -> str:
    note = [f"{example.note}\n"] if example.note else []
    return "\n".join([f"### {example.title}\n", *note, _fields(example.message), _json(example.data)])


def _fields(model: type[BaseModel]) -> str:
    """A model's fields as a table, preceded by its docstring."""
    text = " ".join((model.__doc__ or "").split())
    rows = [
        f"| `{field.alias or name}` | {_type(field)} | {_default(field)} | {_cell(field.description)} |"
        for name, field in model.model_fields.items()
    ]
    parts = [f"{text}\n\n{_table(('key', 'type', 'default', 'meaning'), rows)}"]
    parts += [f"Each object in `{name}`:\n\n{_fields(nested)}" for name, nested in _nested(model)]
    return "\n".join(parts)


def _nested(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """The fields of a model that hold other models, and those."""
    for name, field in model.model_fields.items():
        for one in (field.annotation, *get_args(field.annotation)):
            if isinstance(one, type) and issubclass(one, BaseModel):
                yield field.alias or name, one


def _table(columns: Sequence[str], rows: Iterable[str]) -> str:
    head = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    return "\n".join([*head, *rows, ""])


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


def _type(field: FieldInfo) -> str:
    return " or ".join(dict.fromkeys(_type_names(field.annotation)))


def _type_names(annotation: Any) -> Iterator[str]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _type_names(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for one in get_args(annotation):
            yield from _type_names(one)
    elif origin is Literal:
        yield from (f"`{json.dumps(value)}`" for value in get_args(annotation))
    elif origin in (tuple, list):
        yield f"list of {' or '.join(_type_names(get_args(annotation)[0]))}"
    elif origin in (dict, Mapping):
        yield "object"
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        yield from (f"`{json.dumps(one.value)}`" for one in annotation)
    else:
        yield {
            "str": "string",
            "int": "integer",
            "float": "number",
            "bool": "boolean",
            "bytes": "binary",
            "datetime": "time",
            "NoneType": "null",
            "Any": "any",
        }.get(getattr(annotation, "__name__", "any"), "object" if isinstance(annotation, type) else "any")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    return f"`{json.dumps(list(default) if isinstance(default, tuple) else default)}`"


def _json(value: Any) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False, default=lambda binary: f"<{len(binary)} bytes>")
    return f"```json\n{text}\n```\n"


def _exposed_name(metric: Metric) -> str:
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


def _labels(metric: Metric) -> str:
    return ", ".join(f"`{name}`" for name in getattr(metric, "_labelnames", ()))


def out_of_date() -> Iterable[str]:
    """The names of the pages that differ from what the code says."""
    for name, page in PAGES.items():
        path = DOCS / name
        if not path.exists() or path.read_text(encoding="utf-8") != page():
            yield name


def main() -> None:
    for name in list(out_of_date()):
        (DOCS / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
