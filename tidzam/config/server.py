"""Settings that every server of a node has: where it listens."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from tidzam.addresses import bare_host, host_on_this_machine, url_host
from tidzam.config.section import Section

Port = Annotated[int, Field(ge=1, le=65535)]


class ServerSettings(Section):
    """The address and port of a server."""

    host: Annotated[str, AfterValidator(bare_host)] = Field(
        "127.0.0.1", description="IPv4 or IPv6 address to listen on; 0.0.0.0 or :: for all"
    )
    port: Port

    @property
    def reachable_host(self) -> str:
        """The name or address under which this machine reaches it, without brackets."""
        return host_on_this_machine(self.host)

    @property
    def url(self) -> str:
        """The address under which programs of this machine reach it."""
        return f"http://{url_host(self.reachable_host)}:{self.port}"
