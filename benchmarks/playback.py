"""Play clips as HTTP sources of a separate node, and collect its analyzer's probabilities and the audio in JACK."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jack
import numpy as np
import socketio
import soundfile
import yaml
from aiohttp import ClientSession, web

from benchmarks.alignment import Fidelity, fidelity
from benchmarks.esc10 import Esc10Clip
from benchmarks.onset import AUDIBLE, OnsetDetector
from tests.support.eventually import eventually_async
from tests.support.ports import free_port
from tidzam.audio.files import read_audio
from tidzam.audio.resample import resample
from tidzam.errors import NodeError
from tidzam.jack.environment import jack_env
from tidzam.naming import port_name
from tidzam.process import child_process
from tidzam.tokens import TOKEN_FILE, read_token
from tidzam.types import Float32

CLIPS_AT_ONCE = 4
WINDOW_S = 2.0
TIMEOUT_S = 40.0
NEAR_S = 0.02
"""How far a window may reach beyond a clip and still be one of it: the times are rounded, the audio is not."""
RECORDER = "parity-recorder"

Request = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class PlayedClip:
    """The mean probability of each class over a clip's windows, how many those were, and how JACK carried it."""

    probabilities: Mapping[str, float]
    windows: int
    fidelity: Fidelity


@dataclass(frozen=True)
class WindowReport:
    """The analyzer's probabilities for the window that started at `start_s`, in seconds since 1970."""

    start_s: float
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class RecordedTrack:
    """The audio of a port, and the time of its onset, in seconds since 1970."""

    track: Float32
    rate_hz: int
    began_s: float


@dataclass(frozen=True)
class RunningNode:
    """A node's JACK server, the addresses of its programs, and the credentials of a client that manages them."""

    server: str
    manager: str
    analyzer: str
    auth: Mapping[str, str]


@dataclass(frozen=True)
class PlaybackResult:
    """All clips, in their order, and the frames that JACK skipped meanwhile, summed over the channels."""

    played: list[PlayedClip]
    lost_frames: int


async def play(clips: Sequence[Esc10Clip], work: Path, *, overlap: float, say: Callable[[str], None]) -> PlaybackResult:
    """Play `clips`, a few at a time, to a node that runs the classifiers in `work`/nn."""
    played: list[PlayedClip] = []
    async with (
        _serving(clips[0].path.parents[1]) as address,
        _node(work, overlap) as node,
        _client(node) as reports,
        _requests(node) as request,
    ):
        for first in range(0, len(clips), CLIPS_AT_ONCE):
            some = {f"clip-{first + k}": clip for k, clip in enumerate(clips[first : first + CLIPS_AT_ONCE])}
            recordings = await _play_some(some, address, node, request, work / "recording.wav")
            for (name, clip), recorded in zip(some.items(), recordings, strict=True):
                played.append(_played(clip, reports[port_name(name, 0)], recorded))
            say(f"{len(played)} of {len(clips)} clips played")
        return PlaybackResult(played, await _lost_frames(node))


def _played(clip: Esc10Clip, reports: Sequence[WindowReport], recorded: RecordedTrack) -> PlayedClip:
    samples, native_hz = read_audio(clip.path)
    sound = resample(samples, native_hz, recorded.rate_hz)[0]
    start_s = recorded.began_s - int(np.argmax(np.abs(sound) > AUDIBLE)) / recorded.rate_hz
    windows = [window.probabilities for window in reports if _within(window, start_s, len(sound) / recorded.rate_hz)]
    classes = windows[0] if windows else {}
    return PlayedClip(
        probabilities={label: float(np.mean([window[label] for window in windows])) for label in classes},
        windows=len(windows),
        fidelity=fidelity(sound, recorded.track, recorded.rate_hz),
    )


def _within(window: WindowReport, start_s: float, length_s: float) -> bool:
    """Whether `window` holds the clip and nothing else, as every window of a file does."""
    return start_s - NEAR_S <= window.start_s <= start_s + length_s - WINDOW_S + NEAR_S


async def _lost_frames(node: RunningNode) -> int:
    """The lost frames in the analyzer's health."""
    async with ClientSession() as session, session.get(f"{node.analyzer}/healthz") as answer:
        lost: int = (await answer.json())["detail"]["lost_frames"]
        return lost


async def _play_some(
    clips: Mapping[str, Esc10Clip], address: str, node: RunningNode, request: Request, path: Path
) -> list[RecordedTrack]:
    """Load one source per clip, and record their ports until all have appeared and ended."""
    recorder = ["ffmpeg", "-v", "error", "-f", "jack", "-channels", str(len(clips)), "-i", RECORDER]
    recorder += ["-c:a", "pcm_f32le", "-y", str(path)]
    async with child_process(recorder, name=RECORDER, env=jack_env(node.server)):
        client = jack.Client("parity", no_start_server=True, servername=node.server)
        onsets = OnsetDetector(client, list(clips))
        with client:
            await _until(lambda: len(client.get_ports(f"{RECORDER}:.*")) == len(clips), "the recorder's ports")
            await asyncio.gather(_load(clips, address, request), _record(client, onsets, list(clips)))
            began_s = [onsets.began_s(name) for name in clips]
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return [RecordedTrack(track, rate_hz, began) for track, began in zip(samples.T, began_s, strict=True)]


async def _load(clips: Mapping[str, Esc10Clip], address: str, request: Request) -> None:
    """Load one source per clip in turn: each request is acknowledged when its audio has begun."""
    for name, clip in clips.items():
        url = f"{address}/{clip.label}/{clip.path.name}"
        await request({"sys": {"loadsource": {"name": name, "url": url}}})


async def _record(client: jack.Client, onsets: OnsetDetector, names: Sequence[str]) -> None:
    """Connect each source's port to its track and the onsets as it appears; return when the last has ended."""
    tracks = {port_name(name, 0): f"{RECORDER}:input_{k}" for k, name in enumerate(names, start=1)}
    onset_ports = {port_name(name, 0): onsets.port(name) for name in names}
    seen: set[str] = set()
    connected: set[str] = set()

    def all_gone() -> bool:
        try:
            present = tracks.keys() & {port.name for port in client.get_ports(is_output=True)}
        except jack.JackError:  # a port disappeared while they were listed
            return False
        seen.update(present)
        for port in present - connected:
            with suppress(jack.JackErrorCode):  # registered, but its client is not active yet: the next round
                client.connect(port, tracks[port])
                client.connect(port, onset_ports[port])
                connected.add(port)
        return len(seen) == len(tracks) and not present

    await _until(all_gone, f"{', '.join(names)} to be played")


async def _until(true: Callable[[], bool], what: str) -> None:
    try:
        await eventually_async(true, within_s=TIMEOUT_S)
    except TimeoutError:
        raise NodeError(f"Timed out after {TIMEOUT_S:.0f} s while waiting for {what}.", code="bench") from None


@asynccontextmanager
async def _node(work: Path, overlap: float) -> AsyncIterator[RunningNode]:
    """A node without sources, started and stopped by the commands that a user types."""
    icecast, manager, analyzer = free_port(), free_port(), free_port()
    server = f"parity{os.getpid()}"
    profile = {
        "home": str(work / "home"),
        "jack": {"server": server},
        "icecast": {"port": icecast},
        "stream_manager": {"port": manager, "allow_private_addresses": True},
        "analyzer": {"port": analyzer, "nn": str(work / "nn"), "overlap": overlap},
        "sources": [],
    }
    path = work / "profile.yaml"
    path.write_text(yaml.safe_dump(profile), encoding="utf-8")
    await asyncio.to_thread(_tidzam, work, "start", "--profile", str(path))
    try:
        auth = {"token": read_token(work / "home" / TOKEN_FILE)}
        yield RunningNode(server, f"http://127.0.0.1:{manager}", f"http://127.0.0.1:{analyzer}", auth)
    finally:
        await asyncio.to_thread(_tidzam, work, "stop")


def _tidzam(work: Path, *words: str) -> None:
    environment = {**os.environ, "TIDZAM_HOME": str(work / "home")}
    argv = [sys.executable, "-m", "tidzam.cli", *words]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NodeError(f"tidzam {words[0]} ended with {done.returncode}: {done.stdout}{done.stderr}", code="bench")


@asynccontextmanager
async def _serving(folder: Path) -> AsyncIterator[str]:
    """Serve `folder` over HTTP; yields its address."""
    application = web.Application()
    application.router.add_static("/", folder)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _client(node: RunningNode) -> AsyncIterator[Mapping[str, list[WindowReport]]]:
    """A plain client of the analyzer: the reports that it receives for each channel, window by window."""
    reports: dict[str, list[WindowReport]] = defaultdict(list)
    client = socketio.AsyncClient()

    @client.on("sys")  # type: ignore[untyped-decorator]  # python-socketio has no types
    def _(message: Any) -> None:
        if isinstance(message, list):
            for one in message:
                start = datetime.strptime(one["analysis"]["time"], "%Y-%m-%d-%H-%M-%S.%f").replace(tzinfo=UTC)
                reports[one["chan"]].append(WindowReport(start.timestamp(), one["analysis"]["predicitions"]))

    await client.connect(node.analyzer, auth=node.auth)
    try:
        yield reports
    finally:
        await client.disconnect()


@asynccontextmanager
async def _requests(node: RunningNode) -> AsyncIterator[Request]:
    """A function that sends requests to the stream manager. A refusal ends the benchmark."""
    client = socketio.AsyncClient()
    await client.connect(node.manager, auth=node.auth)

    async def request(message: dict[str, Any]) -> None:
        answer = await client.call("sys", message)
        if not answer["ok"]:
            raise NodeError(f"The stream manager refused: {answer['error']['message']}", code="bench")

    try:
        yield request
    finally:
        await client.disconnect()
