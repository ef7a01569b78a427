"""The settings of the sink that forwards to another node."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from tidzam.config.secret import Secret
from tidzam.config.sink_base import ArchiveUse, DetectionFilter, SinkSettings, SpoolSettings, is_web_address


def _address(url: str) -> str:
    if not is_web_address(url) or "?" in url or "#" in url:
        raise ValueError("url is not an http or https address, such as https://hub.example.org:8090")
    return url.rstrip("/")


class ForwardSinkSettings(SpoolSettings, DetectionFilter, SinkSettings):
    """Detections and their clips, stored here while the other node cannot be reached, and forwarded to its console."""

    for_archives: ClassVar[ArchiveUse] = "if_chosen"

    type: Literal["forward"] = Field("forward", description="Forwards detections and their clips to another node")
    url: Annotated[str, AfterValidator(_address)] = Field(
        description="Address of the console of the other node, such as `https://hub.example.org:8090`"
    )
    token: Secret = Field(
        description="API token of the account there that has the name of this node: a text, `{env: NAME}` or "
        "`{file: PATH}`"
    )
    ca_file: Path | None = Field(
        None, description="File with the certificate (PEM) by which the other node is recognized, if it is its own"
    )
    clips: bool = Field(True, description="Forward the clips that detections name, too")
    max_gb: float = Field(
        2.0,
        gt=0,
        description="Maximum size in GB of the clips that wait; above it, those that matter least are dropped",
    )
    max_kbps: float | None = Field(None, gt=0, description="Maximum rate of sending in kbit/s, by default unlimited")
    collect_s: float = Field(10.0, ge=0, description="Seconds for which detections are collected into one request")
    timeout_s: float = Field(60.0, gt=0, description="Time allowed for one request; parts of clips are made to fit")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.ca_file is not None and not self.url.startswith("https://"):
            raise ValueError("ca_file needs a url that begins with https://")
        return self
