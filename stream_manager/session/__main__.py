"""`python -m stream_manager.session OPTIONS`: record sources into a folder, for `tidzam record`.

It ends at INT, TERM or HUP, once all files are complete; when each source was recorded for as long as is wanted; and
when all sources have ended. Exit code: 0 something of each source was recorded, 1 failed, 2 nothing of some source.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack

from stream_manager.direct.options import DirectOptions, DirectSource, direct_recorder_argv
from stream_manager.recorder.options import RecorderOptions, recorder_argv
from stream_manager.session.tally import SessionTally
from tidzam.errors import TidzamError
from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.jack.environment import jack_env
from tidzam.process import Child, child_process
from tidzam.recording_session import RecordingSession
from tidzam.terminal import say

_STEP_S = 0.2
_SHOW_EVERY_S = 5.0
_GRACE_S = CLIENT_GRACE_S + 10.0
"""How long a recorder may take to complete its files."""
_BITRATE_KBPS = 64


def main() -> int:
    session = RecordingSession.parse(sys.argv[1])
    try:
        tally = asyncio.run(record(session))
    except (TidzamError, OSError) as error:
        say(str(error), program="tidzam")
        return 1
    if session.as_json:
        print(json.dumps({"folder": str(session.folder), "sources": [one.as_json() for one in tally.sources.values()]}))
    else:
        for line in tally.summary():
            print(line)
    return 0 if tally.recorded_all else 2


async def record(session: RecordingSession) -> SessionTally:
    """Record until a signal, or until there is enough. Raises SetupError and OSError."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tally = SessionTally(session.names, session.rate_hz)
    async with AsyncExitStack() as running:
        pipe = asyncio.subprocess.PIPE
        children: list[tuple[str, Child]] = [
            (
                name,
                await running.enter_async_context(
                    child_process(argv, name="record", env=env, stdout=pipe, grace_s=_GRACE_S)
                ),
            )
            for argv, name, env in _recorders(session)
        ]
        async with asyncio.TaskGroup() as readers:
            for name, child in children:
                readers.create_task(_read(child, tally, name))
            await _until_done(session, tally, stop)
            await running.aclose()  # the recorders complete their files, and report them before they end
    return tally


def _recorders(session: RecordingSession) -> list[tuple[list[str], str, dict[str, str]]]:
    """The command lines, names and environments of the recorder processes: one per source of JACK, one for all else."""
    env = {} if session.server is None else jack_env(session.server)
    found = [
        (recorder_argv(_options(session, one.name, len(one.ports), one.ports)), one.name, env) for one in session.jack
    ]
    direct = tuple(
        DirectSource(
            kind=one.kind,
            address=one.address,
            record=_options(session, one.name, session.channels),
            device_channels=session.channels,
            device_rate_hz=session.rate_hz,
            loop=session.loop and one.kind == "file",
            is_permanent=one.kind != "file",
        )
        for one in session.direct
    )
    if direct:
        found.append((direct_recorder_argv(DirectOptions(sources=direct, prints=True)), "", {}))
    return found


def _options(session: RecordingSession, name: str, channels: int, ports: tuple[str, ...] = ()) -> RecorderOptions:
    return RecorderOptions(
        source=name,
        channels=channels,
        folder=session.folder,
        format=session.format,
        length_s=session.length_s,
        bitrate_kbps=_BITRATE_KBPS,
        bit_depth=session.bit_depth,
        ports=ports,
    )


async def _read(child: Child, tally: SessionTally, name: str) -> None:
    assert child.process.stdout is not None
    async for line in child.process.stdout:
        tally.read(line.decode(errors="replace"), name)
    for one in tally.sources.values():
        if (not name or one.name == name) and one.state not in ("ended", "failed"):
            one.state = "ended"
            if not one.files and not one.problem and child.tail:
                one.problem = child.tail[-1]


async def _until_done(session: RecordingSession, tally: SessionTally, stop: asyncio.Event) -> None:
    shown_s = -_SHOW_EVERY_S
    loop = asyncio.get_running_loop()
    is_terminal = sys.stderr.isatty()
    while not stop.is_set() and not tally.is_done(session.duration_s):
        if is_terminal:
            print(f"\r\x1b[K{tally.progress()}", end="", file=sys.stderr, flush=True)
        elif loop.time() - shown_s >= _SHOW_EVERY_S:
            shown_s = loop.time()
            say(tally.progress(), program="tidzam")
        try:
            await asyncio.wait_for(stop.wait(), _STEP_S)
        except TimeoutError:
            continue
    if is_terminal:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
