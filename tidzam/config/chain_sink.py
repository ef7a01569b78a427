"""The settings of the Chain API sink."""

from __future__ import annotations

from string import Formatter
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from tidzam.config.secret import Secret
from tidzam.config.sink_base import ArchiveUse, DetectionFilter, SinkSettings, SpoolSettings, is_web_address

DEVICE_FIELDS: Final = frozenset({"node", "source", "channel"})


def _device_name(template: str) -> str:
    try:
        fields = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError as error:
        raise ValueError(f"it is not a template: {error}") from None
    if "source" not in fields or "channel" not in fields or fields - DEVICE_FIELDS:
        raise ValueError("it must contain {source} and {channel}, and may contain {node}")
    return template


class ChainSinkSettings(SpoolSettings, DetectionFilter, SinkSettings):
    """Probabilities written to the Chain API: a device per channel, a sensor per class."""

    for_archives: ClassVar[ArchiveUse] = "never"

    type: Literal["chain"] = Field("chain", description="Writes the classes of each window to the Chain API")
    url: str = Field(description="http or https address of its entry point, or of a site")
    user: str = Field("", description="User of HTTP basic authentication")
    password: Secret = Field(
        SecretStr(""), description="Password of HTTP basic authentication: a text, `{env: NAME}` or `{file: PATH}`"
    )
    site: str = Field(
        "",
        description="Name of the site, created if there is none; by default the name of the node. Not if `url` is one",
    )
    device: Annotated[str, AfterValidator(_device_name)] = Field(
        "{node}/{source}/{channel}",
        description="Name of the device of a channel; `{node}`, `{source}` and `{channel}` (out_0 …) are replaced",
    )
    min_probability: float = Field(0.0, ge=0, le=1, description="Lower probabilities are left out")
    collect_s: float = Field(
        10.0, ge=0, description="Seconds for which values are collected into one request per sensor"
    )

    @model_validator(mode="after")
    def _usable(self) -> ChainSinkSettings:
        if not is_web_address(self.url):
            raise ValueError("url is not an http or https address without a user (set user and password instead)")
        return self
