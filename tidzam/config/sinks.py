"""The sinks of the analyzer: their registry, the settings of our own, and how a profile's list of them is read.

A package adds a sink by an entry point in the group `tidzam.sinks`; docs/extending.md shows one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from tidzam.config.chain_sink import ChainSinkSettings
from tidzam.config.clips import ClipBudget, ClipFormat, ClipRule
from tidzam.config.forward_sink import ForwardSinkSettings
from tidzam.config.influx_sink import InfluxSinkSettings
from tidzam.config.mqtt_sink import MqttSinkSettings
from tidzam.config.notification_sink import NotificationSinkSettings
from tidzam.config.read import suggest
from tidzam.config.sink_base import ArchiveUse, ChangeKind, DetectionFilter
from tidzam.config.sink_base import SinkSettings as SinkSettings  # where packages with sinks import it
from tidzam.config.store import StoreSinkSettings
from tidzam.config.webhook_sink import WebhookSinkSettings
from tidzam.errors import ConfigError
from tidzam.extensions import Registry

SINKS: Final = Registry(
    "tidzam.sinks",
    "sink",
    {
        "clips": "analyzer.sinks.clips:ClipSink",
        "csv": "analyzer.sinks.csv_file:CsvSink",
        "jsonl": "analyzer.sinks.json_lines:JsonLinesSink",
        "chain": "analyzer.sinks.chain:ChainSink",
        "mqtt": "analyzer.sinks.mqtt:MqttSink",
        "influxdb": "analyzer.sinks.influx:InfluxSink",
        "webhook": "analyzer.sinks.webhook:WebhookSink",
        "notify": "analyzer.sinks.notify:NotificationSink",
        "store": "analyzer.sinks.store:StoreSink",
        "forward": "analyzer.sinks.forward:ForwardSink",
    },
)


class ClipSinkSettings(SinkSettings):
    """Windows as audio files in `folder/CLASS/`."""

    for_archives: ClassVar[ArchiveUse] = "per_file"

    type: Literal["clips"] = Field("clips", description="Writes windows as audio files")
    folder: Path = Field(description="Folder of the class folders")
    format: ClipFormat = Field("flac", description="Format of the files: wav or flac with 16 bits per sample, or opus")
    picture: bool = Field(False, description="Write a spectrogram (PNG) beside each clip; needs the extra `show`")
    budget: ClipBudget = Field(ClipBudget(), description="How much of the disk the clips may take")
    rules: tuple[ClipRule, ...] = Field(
        (), description="The first rule that covers a window applies; without rules, all classes at rate auto"
    )


class CsvSinkSettings(SinkSettings):
    """Detections as rows of a CSV file."""

    type: Literal["csv"] = Field("csv", description="Writes a row per detection as it ends")
    path: Path = Field(description="The file; rows are appended")
    daily: bool = Field(
        False, description="A file per UTC day beside `path`, such as `found-2026-05-01.csv` for `found.csv`"
    )
    replace: bool = Field(False, description="Replace the file at the start instead of appending; not if daily")


class JsonLinesSinkSettings(DetectionFilter, SinkSettings):
    """Detections as JSON lines."""

    type: Literal["jsonl"] = Field("jsonl", description="Writes detections as JSON lines")
    path: Path = Field(description="The file; lines are appended")
    daily: bool = Field(
        False, description="A file per UTC day beside `path`, such as `found-2026-05-01.jsonl` for `found.jsonl`"
    )
    states: tuple[ChangeKind, ...] = Field(
        ("end",), description="Changes of a detection that are written: start, update, end"
    )


OWN_SETTINGS: Mapping[str, type[SinkSettings]] = {
    "clips": ClipSinkSettings,
    "csv": CsvSinkSettings,
    "jsonl": JsonLinesSinkSettings,
    "chain": ChainSinkSettings,
    "mqtt": MqttSinkSettings,
    "influxdb": InfluxSinkSettings,
    "webhook": WebhookSinkSettings,
    "notify": NotificationSinkSettings,
    "store": StoreSinkSettings,
    "forward": ForwardSinkSettings,
}
"""The settings models of our own sinks. A third party's sink has its model in its class attribute `settings_model`."""


def _parse_sink(value: object) -> object:
    """An entry of `analyzer.sinks` as the settings model of its type."""
    if not isinstance(value, Mapping):
        return value
    name = value.get("type")
    if not isinstance(name, str):
        known = ", ".join(SINKS.names())
        raise ValueError(f"a sink needs a type; the known ones are {known}")
    try:
        model = _model_of(name)
    except ConfigError as error:
        raise _one_error(f"{error.message} {error.hint}", "type", name) from None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise ValidationError.from_exception_data(error.title, list(_with_suggestions(error, model))) from None


def _model_of(name: str) -> type[SinkSettings]:
    if name in OWN_SETTINGS:
        return OWN_SETTINGS[name]
    model = getattr(SINKS.load(name), "settings_model", None)
    if not (isinstance(model, type) and issubclass(model, SinkSettings)):
        raise ConfigError(
            f"The sink {name!r} has no attribute settings_model with a subclass of tidzam.config.sinks.SinkSettings.",
            hint="Repair or uninstall the package that provides it.",
            code="broken_extension",
        )
    return model


def _one_error(message: str, field: str, value: object) -> ValidationError:
    kind = PydanticCustomError("sink", "{message}", {"message": message.rstrip(".")})
    return ValidationError.from_exception_data("sink", [InitErrorDetails(type=kind, loc=(field,), input=value)])


def _with_suggestions(error: ValidationError, model: type[SinkSettings]) -> Iterator[InitErrorDetails]:
    """The errors of a sink's settings, those about unknown names with the names that its model allows."""
    for fault in error.errors():
        kind: Any = fault["type"]
        if kind == "extra_forbidden":
            hint = suggest(fault["loc"], model).rstrip(".")
            kind = PydanticCustomError("unknown_name", "unknown name. {hint}", {"hint": hint})
        yield InitErrorDetails(type=kind, loc=fault["loc"], input=fault["input"], ctx=fault.get("ctx", {}))


AnySinkSettings = Annotated[SerializeAsAny[SinkSettings], BeforeValidator(_parse_sink)]
