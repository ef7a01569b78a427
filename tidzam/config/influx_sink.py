"""The settings of the InfluxDB sink."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, model_validator

from tidzam.config.secret import Secret
from tidzam.config.sink_base import DetectionFilter, SinkSettings, SpoolSettings, is_web_address


class InfluxSinkSettings(SpoolSettings, DetectionFilter, SinkSettings):
    """Detections written to InfluxDB, or to a server that takes its line protocol, such as VictoriaMetrics."""

    type: Literal["influxdb"] = Field("influxdb", description="Writes detections to InfluxDB as they end")
    url: str = Field(description="http or https address of the server, such as http://localhost:8086")
    organization: str = Field("", description="Organization of InfluxDB 2")
    bucket: str = Field("tidzam", min_length=1, description="Bucket; of InfluxDB 1.8, DATABASE/RETENTION")
    token: Secret = Field(SecretStr(""), description="Token: a text, `{env: NAME}` or `{file: PATH}`")
    measurement: str = Field("detection", min_length=1, description="Name of the measurement")
    collect_s: float = Field(2.0, ge=0, description="Seconds for which points are collected into one request")

    @model_validator(mode="after")
    def _usable(self) -> InfluxSinkSettings:
        if not is_web_address(self.url):
            raise ValueError("url is not an http or https address without a user (set token instead)")
        return self
