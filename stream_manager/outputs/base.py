"""The contract of outputs: what takes the channels of a source out of JACK.

An output is a class, registered by name in `stream_manager.outputs.registry` or, by another package, as an entry point
of the group `tidzam.outputs`. The settings `stream_manager.outputs` and `outputs` of a source name those in use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from stream_manager.services import Services
from tidzam.config import SourceSettings


@dataclass(frozen=True)
class OutputFault:
    """What keeps an output from its work at present.

    `message` completes a sentence that begins with the source's name, such as "lacks its mount /pond-out_0.ogg.".
    `is_reported` means that /healthz reports the cause already, as the fault of a server.
    """

    code: str
    message: str
    is_reported: bool = False


class Output(Protocol):
    """Takes all channels of one source, from when their number is known until the source is unloaded.

    The stream manager makes an output and awaits `run`. The JACK ports of the source come and go meanwhile, with its
    players. If the number of channels changes, the output is cancelled and another one is made.

    Any exception, from the constructor as well, is contained: it is logged, counted in `/metrics`, and another output
    is made and run after a delay that grows from 0.5 to 30 s. Neither the source nor its other outputs are affected.
    """

    jack_suffix: ClassVar[str]
    """Suffix of its JACK client, letters and digits: `pond:out_0` is connected to `pond-SUFFIX:input_1` whenever both
    exist, `pond:out_1` to `input_2`. Empty if the output connects its ports itself, or has none."""

    def __init__(self, source: SourceSettings, channels: int, services: Services) -> None:
        """Prepare to output the ports `NAME:out_0` to `NAME:out_(channels - 1)` of a source with these settings.

        Must neither wait nor acquire resources: `run` does.
        """

    async def run(self) -> None:
        """Do the work until cancelled, then release all resources before returning.

        A process that opens a JACK client is started within `services.openings.turn(CLIENT)`.
        Should handle expected faults itself, such as a server that is away, and report them by `faults`. Returning
        counts as a failure.
        """

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where people listen to the channels; empty if the output offers no addresses."""
        ...

    @property
    def sent_bytes(self) -> int:
        """Bytes of encoded audio that were delivered so far."""
        ...

    def faults(self) -> tuple[OutputFault, ...]:
        """What is wrong at present; empty if nothing is. Called often: must return immediately."""
        ...
