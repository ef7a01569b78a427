"""The settings of the MQTT sink."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from tidzam.config.secret import Secret
from tidzam.config.sink_base import ArchiveUse, ChangeKind, DetectionFilter, SinkSettings, SpoolSettings


class MqttSinkSettings(SpoolSettings, DetectionFilter, SinkSettings):
    """Detections published to an MQTT broker, with discovery by Home Assistant. Needs the part `mqtt`."""

    for_archives: ClassVar[ArchiveUse] = "if_chosen"

    type: Literal["mqtt"] = Field("mqtt", description="Publishes detections to an MQTT broker")
    host: str = Field(min_length=1, description="Host name or address of the broker")
    port: int | None = Field(None, ge=1, le=65535, description="Port of the broker; by default 1883, with TLS 8883")
    user: str = Field("", description="User name")
    password: Secret = Field(SecretStr(""), description="Password: a text, `{env: NAME}` or `{file: PATH}`")
    tls: bool = Field(False, description="Encrypt the connection and verify the broker's certificate")
    ca_file: Path | None = Field(
        None, description="PEM file of the authority that signed the broker's certificate; by default, the system's"
    )
    prefix: str = Field("tidzam", pattern=r"^[^+#\s]+$", description="First level of the topics")
    states: tuple[ChangeKind, ...] = Field(
        ("start", "end"), description="Changes of a detection that are published: start, update, end"
    )
    discovery: bool = Field(True, description="Announce the node and its classes to Home Assistant")
    discovery_prefix: str = Field(
        "homeassistant", pattern=r"^[^+#\s]+$", description="First level of Home Assistant's discovery topics"
    )
    off_delay_s: int = Field(
        60,
        ge=5,
        description="Seconds without a window that confirms a class, after which Home Assistant shows it as absent",
    )
    timeout_s: float = Field(5.0, gt=0, description="Time allowed for the connection and for an acknowledgement")

    @model_validator(mode="after")
    def _consistent(self) -> MqttSinkSettings:
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file needs tls: true")
        return self

    @property
    def broker_port(self) -> int:
        """The port, given or by default."""
        return self.port or (8883 if self.tls else 1883)
