"""record: record sources into a folder, such as one to train a novelty bundle on."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tidzam.cli.options import HomeOption, JsonOption, running_node
from tidzam.errors import ConfigError, NodeError
from tidzam.naming import source_name
from tidzam.recording_session import DirectAddress, InputKind, RecordingSession, SessionSource
from tidzam.suggest import did_you_mean

if TYPE_CHECKING:  # pydantic, which help does not need
    from tidzam.config import Settings
    from tidzam.node.home import Home

_DEVICE = re.compile(r"(plug|dsnoop|sys)?(hw|default|pulse|dsnoop)\b.*")
_DEVICE_RATE_HZ = 48000


def record(
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--sources",
            metavar="NAME,…",
            help="Sources of the running node; or NAME=ADDRESS of a file or stream, without a node.",
        ),
    ] = None,
    devices: Annotated[
        list[str] | None,
        typer.Option("--devices", metavar="DEVICE,…", help="Sound cards, such as hw:1 or default, without a node."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of the files; it is created.")] = Path("recordings"),
    duration: Annotated[
        float | None,
        typer.Option("--duration", min=0.1, help="Seconds to record of each source.", show_default="until Ctrl-C"),
    ] = None,
    file_format: Annotated[
        Literal["flac", "wav", "opus"], typer.Option("--format", help="Format of the files.")
    ] = "flac",
    length: Annotated[int, typer.Option("--length", min=1, max=86400, help="Length of a file in seconds.")] = 60,
    bits: Annotated[Literal["16", "24"], typer.Option("--bits", help="Bits per sample (flac and wav).")] = "16",
    rate_hz: Annotated[
        int, typer.Option("--rate-hz", min=8000, max=384000, help="Sample rate of sound cards.")
    ] = _DEVICE_RATE_HZ,
    channels: Annotated[int, typer.Option("--channels", min=1, max=64, help="Channels of sound cards.")] = 1,
    loop: Annotated[bool, typer.Option("--loop", help="Repeat files, as if they were microphones.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record sources into a folder until Ctrl-C, beside what the node records, or without a node.

    All channels of a source are in one file, cut on the clock. What is missing is silent, and counted. Exit code: 0
    done, 1 failed, 2 nothing of some source was recorded.
    """
    named = [one for text in sources or () for one in _parts(text)]
    direct = [_direct(one) for one in named if "=" in one]
    direct += [_device(one, number) for number, one in enumerate(_all_parts(devices))]
    wanted = [one for one in named if "=" not in one]
    if not direct and not wanted:
        raise typer.BadParameter("name something to record", param_hint="--sources or --devices")
    _require_different([*wanted, *(one.name for one in direct)])
    server: str | None = None
    jack: tuple[SessionSource, ...] = ()
    if wanted:
        if direct:
            raise typer.BadParameter("record sources of the node and others by two commands", param_hint="--sources")
        node = running_node(home)
        server, rate_hz = node[1].jack.server, node[1].jack.rate_hz
        jack = _jack_sources(*node, wanted)
    session = RecordingSession(
        folder=out.absolute(),
        format=file_format,
        length_s=length,
        bit_depth=int(bits),
        rate_hz=rate_hz,
        channels=channels,
        duration_s=duration,
        loop=loop,
        server=server,
        jack=jack,
        direct=tuple(direct),
        as_json=as_json,
    )
    raise typer.Exit(run_session(session))


def run_session(session: RecordingSession) -> int:
    """Record in a process of its own, which gets the signals of the terminal as well. Returns its exit code."""
    argv = [sys.executable, "-P", "-m", "stream_manager.session", session.encode()]
    with subprocess.Popen(argv) as process, _signals_left_to(process):
        return process.wait()


@contextmanager
def _signals_left_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """While open, this program goes on until `process` has ended."""
    handlers: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.SIG_IGN,  # the terminal sends it to both
        signal.SIGHUP: signal.SIG_IGN,
        signal.SIGTERM: lambda *_: process.terminate(),
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _all_parts(texts: Sequence[str] | None) -> list[str]:
    return [part for text in texts or () for part in text.split(",") if part]


def _parts(text: str) -> list[str]:
    """The items of a list; an address may contain commas, so that it stands alone."""
    return [text] if "://" in text else [part for part in text.split(",") if part]


def _direct(text: str) -> DirectAddress:
    name, _, address = text.partition("=")
    kind: InputKind = "address" if "://" in address else "device" if _DEVICE.fullmatch(address) else "file"
    if kind == "file" and not Path(address).is_file():
        raise ConfigError(f"There is no file {address}.", hint="Expected the path of a file, an address or hw:N.")
    return DirectAddress(
        name=_named(name), kind=kind, address=str(Path(address).absolute()) if kind == "file" else address
    )


def _device(device: str, number: int) -> DirectAddress:
    name = re.sub("[^A-Za-z0-9_.-]+", "-", device).strip("-.") or f"device-{number}"
    return DirectAddress(name=_named(name), kind="device", address=device)


def _named(name: str) -> str:
    try:
        return source_name(name)
    except ValueError as error:
        raise typer.BadParameter(f"{name!r}: {error}", param_hint="--sources") from None


def _require_different(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise typer.BadParameter(f"{twice[0]} is named twice: its files would have the same names")


def _jack_sources(place: Home, settings: Settings, wanted: Sequence[str]) -> tuple[SessionSource, ...]:
    """The ports of sources. Raises NodeError if the node has no such source, or its channels are not known yet."""
    from tidzam.cli.source_requests import request_sources

    known = {one["name"]: one for one in request_sources(place, settings, sources="")["sources"]}
    for name in wanted:
        if name not in known:
            hint = f"{did_you_mean(name, sorted(known))}It has {', '.join(sorted(known)) or 'none'}."
            raise NodeError(f"The node has no source called {name!r}.", hint=hint, code="source_unknown")
        if not known[name]["ports"]:
            raise NodeError(
                f"The channels of {name} are not known yet.", hint="See `tidzam sources`.", code="source_unknown"
            )
    return tuple(SessionSource(name=name, ports=tuple(known[name]["ports"])) for name in wanted)
