"""The form of a source: what was typed, as the services take it, and the result of a test in words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Form
from pydantic import BaseModel, Field

from console.web.heard_strip import duration
from tidzam.errors import RequestError
from tidzam.protocol.source_status import SourceProbe


class SourceValues(BaseModel):
    """What was typed into the form."""

    csrf_token: str = ""
    action: Literal["test", "save"] = "save"
    name: Annotated[str, Field(max_length=64)] = ""
    url: Annotated[str, Field(max_length=2048)] = ""
    channels: Annotated[str, Field(max_length=1024)] = ""
    format: Literal["ogg", "copy"] = "ogg"
    loop: bool = False
    skip_test: bool = False

    @property
    def tested(self) -> dict[str, Any]:
        """The values of a SourceTest. Raises RequestError without an address."""
        url = self.url.strip()
        if not url:
            raise RequestError("The address is missing.", hint="Type an address or the name of a file.", field="url")
        return {"url": url, "channels": self.channels.strip() or None, "format": self.format}

    @property
    def loaded(self) -> dict[str, Any]:
        """The values of a SourceChange. Raises RequestError without an address."""
        return {**self.tested, "loop": self.loop, "skip_test": self.skip_test}


SourceForm = Annotated[SourceValues, Form()]


def probe_words(found: SourceProbe) -> str:
    """What a test has found.

    >>> probe_words(SourceProbe(channels=2, rate_hz=48000, duration_s=None, is_live=True, url=""))
    'It plays: 2 channels at 48 kHz, live.'
    """
    channels = "1 channel" if found.channels == 1 else f"{found.channels} channels"
    length = "live" if found.duration_s is None else f"{duration(found.duration_s)} long"
    return f"It plays: {channels} at {found.rate_hz / 1000:g} kHz, {length}."
