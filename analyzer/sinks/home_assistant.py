"""What Home Assistant's MQTT discovery is given: a device per node, a sensor per class, and the last detection."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from tidzam import __version__


@dataclass(frozen=True)
class Topics:
    """The topics of a node. Characters that MQTT reserves are replaced in names."""

    prefix: str
    node: str

    @property
    def base(self) -> str:
        return f"{self.prefix}/{level(self.node)}"

    @property
    def availability(self) -> str:
        """`online` or `offline`."""
        return f"{self.base}/status"

    @property
    def detection(self) -> str:
        """The `detection` events as JSON."""
        return f"{self.base}/detection"

    def presence(self, label: str) -> str:
        """`ON` while a class is heard, else `OFF`."""
        return f"{self.base}/class/{level(label)}"


def level(name: str) -> str:
    """A name as one level of a topic."""
    return re.sub(r"[/+#\x00]", "_", name)


def identifier(name: str) -> str:
    """A name as a part of an identifier, which may hold letters, digits, - and _. Distinct names remain distinct."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return plain if plain == name else f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def last_detection(topics: Topics, discovery_prefix: str) -> tuple[str, dict[str, Any]]:
    """The discovery topic and message of the sensor whose state is the class of the last event."""
    unique = f"tidzam_{identifier(topics.node)}_last"
    message = {
        "name": "Last detection",
        "unique_id": unique,
        "state_topic": topics.detection,
        "value_template": "{{ value_json.path | last }}",
        "json_attributes_topic": topics.detection,
        "icon": "mdi:waveform",
        **_common(topics),
    }
    return f"{discovery_prefix}/sensor/{unique}/config", message


def class_sensor(topics: Topics, label: str, *, discovery_prefix: str, off_delay_s: int) -> tuple[str, dict[str, Any]]:
    """The discovery topic and message of the binary sensor of a class."""
    unique = f"tidzam_{identifier(topics.node)}_class_{identifier(label)}"
    message = {
        "name": label,
        "unique_id": unique,
        "device_class": "sound",
        "state_topic": topics.presence(label),
        "payload_on": "ON",
        "payload_off": "OFF",
        "off_delay": off_delay_s,
        **_common(topics),
    }
    return f"{discovery_prefix}/binary_sensor/{unique}/config", message


def _common(topics: Topics) -> dict[str, Any]:
    device = {
        "identifiers": [f"tidzam_{identifier(topics.node)}"],
        "name": f"Tidzam {topics.node}",
        "manufacturer": "Tidzam",
        "sw_version": __version__,
    }
    origin = {"name": "Tidzam", "sw_version": __version__}
    return {"availability_topic": topics.availability, "device": device, "origin": origin}
