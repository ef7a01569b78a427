"""Opens what a direct recorder records."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from stream_manager.direct.device import capture_program
from stream_manager.direct.file_input import FileInput
from stream_manager.direct.inputs import DirectInput, InputError
from stream_manager.direct.lookup import look_up
from stream_manager.direct.options import DirectSource
from stream_manager.direct.pipe_input import PipeInput
from stream_manager.network.credentials_fd import ffconcat_of, may_hold_credentials, text_descriptor
from stream_manager.players.decoder_argv import decoder_argv

DEVICE_TARGET_S: Final = 0.3
ADDRESS_TARGET_S: Final = 1.0
"""Servers and networks send less regularly than sound cards."""


def open_input(source: DirectSource) -> DirectInput:
    """Open a source. Takes a minute at most for an address. Raises InputError."""
    match source.kind:
        case "file":
            return FileInput(Path(source.address), channels=source.channels, loop=source.loop)
        case "device":
            return _open_device(source)
        case _:
            return _open_address(source)


def _open_device(source: DirectSource) -> PipeInput:
    missing = [one for one in source.channels or () if one >= source.device_channels]
    if missing:
        reason = f"channel {missing[0]} was requested, the device has 0 to {source.device_channels - 1}"
        raise InputError(reason, is_final=True)
    program = capture_program(
        source.address,
        rate_hz=source.device_rate_hz,
        channels=source.device_channels,
        bit_depth=source.record.bit_depth,
        has_arecord=shutil.which("arecord") is not None,
    )
    return PipeInput(
        program.argv,
        name=f"{source.name} input",
        rate_hz=source.device_rate_hz,
        channels=source.device_channels,
        samples=program.samples,
        target_s=DEVICE_TARGET_S,
        selected=source.channels,
    )


def _open_address(source: DirectSource) -> PipeInput:
    media = look_up(source.address)
    missing = [one for one in source.channels or () if one >= media.channels]
    if missing:
        raise InputError(f"channel {missing[0]} was requested, the source has 0 to {media.channels - 1}")
    with ExitStack() as stack:
        script = None
        if may_hold_credentials(media.url):
            script = stack.enter_context(text_descriptor(ffconcat_of(media.url)))
        argv = decoder_argv(
            media.url,
            1,
            rate_hz=media.rate_hz,
            channels=source.channels,
            loop=source.loop,
            script=script,
            changes=not media.has_own_clock,
        )
        return PipeInput(
            argv,
            name=f"{source.name} ffmpeg",
            rate_hz=media.rate_hz,
            channels=media.channels if source.channels is None else len(source.channels),
            samples="<f4",
            target_s=ADDRESS_TARGET_S,
            pass_fds=() if script is None else (script,),
        )
