"""The performance: camera, tone, song and recorder as processes of their own, started in order and ended in reverse."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from examples.theremin import camera, tone
from examples.theremin.camera import CameraBeat, CameraEnded, CameraOptions, CameraReady, camera_argv
from examples.theremin.hand_memory import HandMemory
from examples.theremin.hands import HandModel
from examples.theremin.helper import RunningHelper, helper
from examples.theremin.notes import DEFAULT_RANGE, PitchRange
from examples.theremin.server import jack_server
from examples.theremin.tone import ToneConnected, ToneOptions, tone_argv
from examples.theremin.video import require_camera
from stream_manager.recorder import events
from stream_manager.recorder.events import FileFinished, Lost, RecorderBeat, RecorderEvent, RecorderFailed
from stream_manager.recorder.options import RecorderOptions, recorder_argv
from tidzam.aio import first_completed
from tidzam.errors import JackError, SourceError, TidzamError
from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.jack.feeder_client import Feeder, feeder
from tidzam.jack.feeder_protocol import Pacing
from tidzam.naming import RECORDER_SUFFIX, output_port
from tidzam.types import Float32

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = "theremin"
"""The name by which it is recorded."""
HAND_LOG: Final = "hand.csv"
"""The file with what the camera has seen."""
SONG_CLIENT: Final = "theremin-song"
LONGEST_S: Final = 24 * 3600
"""The recorder begins another file at midnight (UTC)."""
CAMERA_TIMEOUT_S: Final = 5.0
START_S: Final = 40.0
"""How long camera, tone and recorder may take until all of them work."""


@dataclass(frozen=True)
class SongSound:
    """The sound that plays beside the tone, shape (frames,)."""

    samples: Float32
    rate_hz: int


@dataclass(frozen=True, kw_only=True)
class PerformanceOptions:
    """A performance. `camera` is an address for `PictureSource`; `out` is the folder for what comes of it."""

    out: Path
    camera: str
    song: SongSound | None
    range: PitchRange = DEFAULT_RANGE
    hand_model: HandModel = "skin"
    mirror: bool = False
    window: bool = False
    preview: Path | None = None
    jack: str | None = None
    sound_card: str | None = None
    microphone: bool = False
    duration_s: float | None = None


@dataclass
class Performance:
    """What has happened: why it ended, whether that is a fault, and the files with the recording.

    Their channels are the tone, the song if there is one, and the microphone if it is recorded.
    """

    reason: str = ""
    is_fault: bool = False
    files: list[Path] = field(default_factory=list)
    lost_s: float = 0.0
    pictures: int = 0
    skipped: int = 0

    def take(self, event: RecorderEvent) -> None:
        """Note what the recorder reports."""
        match event:
            case FileFinished(file):
                self.files.append(Path(file))
            case Lost(_, seconds):
                self.lost_s += seconds
            case RecorderFailed(message):
                self.reason, self.is_fault = message, True


async def perform(options: PerformanceOptions, stop: asyncio.Event, say: Callable[[str], None]) -> Performance:
    """Play until the song, the video or `duration_s` is over, the camera is lost, or `stop` is set.

    Raises TidzamError if it could not begin, and leaves no files then.
    """
    require_camera(options.camera)
    found = Performance()
    try:
        await _perform(options, stop, say, found)
    except TidzamError:
        for file in (*found.files, options.out / HAND_LOG):
            file.unlink(missing_ok=True)
        raise
    finally:
        (options.out / f".{SOURCE}.lock").unlink(missing_ok=True)  # the recorder has ended
    return found


async def _perform(
    options: PerformanceOptions, stop: asyncio.Event, say: Callable[[str], None], found: Performance
) -> None:
    async with AsyncExitStack() as stack:
        env = await stack.enter_async_context(jack_server(options.jack, sound_card=options.sound_card))
        stage = await _begin(stack, options, {**env, "PYTHONPATH": _python_path()}, found)
        try:
            async with asyncio.timeout(START_S):
                ended = await first_completed(stop.wait(), stage.ready(), stage.camera.ended())
        except TimeoutError:
            raise JackError(
                f"Camera, tone and recorder did not start within {START_S:.0f} s.", hint="Is JACK busy?"
            ) from None
        if ended == 2:
            raise SourceError(f"The camera does not work: {stage.camera.reason}.")
        if ended == 0:
            found.reason = "stopped"
        else:
            say("Playing. Ctrl-C ends the performance.")
            stage.camera.say("go")
            await _play(stage, options, stop, found)


@dataclass(frozen=True)
class _Stage:
    """The processes of a performance."""

    recorder: RunningHelper[RecorderEvent]
    tone: RunningHelper[tone.ToneEvent]
    camera: RunningHelper[camera.CameraEvent]
    song: Feeder | None
    wants_microphone: bool

    async def ready(self) -> None:
        """Wait until a hand can be seen, heard and recorded. Raises JackError."""
        connected = await self.tone.message(ToneConnected)
        if self.wants_microphone and not connected.has_microphone:
            raise JackError("The JACK server has no microphone.", hint="Leave out --microphone.")
        await self.camera.message(CameraReady)
        beat = await self.recorder.message(RecorderBeat, lambda beat: beat.state != "waiting")
        if beat.problem:
            raise JackError(f"The performance {beat.problem}")


async def _begin(
    stack: AsyncExitStack, options: PerformanceOptions, env: Mapping[str, str], found: Performance
) -> _Stage:
    """Start all processes, which end in reverse order with `stack`."""
    outputs = [tone.PORT] + ([f"{SONG_CLIENT}:out_0"] if options.song is not None else [])
    inputs = [output_port(SOURCE, RECORDER_SUFFIX, channel) for channel in range(len(outputs) + options.microphone)]
    _, fd = HandMemory.create()
    stack.callback(os.close, fd)
    recorder_options = RecorderOptions(
        source=SOURCE, channels=len(inputs), folder=options.out, format="wav", length_s=LONGEST_S, bitrate_kbps=96,
        bit_depth=16,
    )  # fmt: skip
    recorder = await stack.enter_async_context(
        helper(
            recorder_argv(recorder_options), events.MESSAGES, name="recorder", env=env, grace_s=CLIENT_GRACE_S + 3,
            on_message=found.take,
        )
    )  # fmt: skip
    tone_options = ToneOptions(
        memory_fd=fd,
        range=options.range,
        connections=tuple(zip(outputs, inputs, strict=False)),
        audible=tuple(outputs),
        microphone_to=inputs[-1] if options.microphone else None,
    )
    argv = tone_argv(tone_options)
    sounding = helper(argv, tone.MESSAGES, name="tone", env=env, pass_fds=[fd], grace_s=CLIENT_GRACE_S)
    playing = await stack.enter_async_context(sounding)
    song = None
    if options.song is not None:
        rate_hz = options.song.rate_hz
        song = await stack.enter_async_context(feeder(SONG_CLIENT, 1, rate_hz=rate_hz, pacing=Pacing.PULL, env=env))
    seeing = helper(camera_argv(_camera_options(options, fd)), camera.MESSAGES, name="camera", env=env, pass_fds=[fd])
    return _Stage(recorder, playing, await stack.enter_async_context(seeing), song, options.microphone)


def _camera_options(options: PerformanceOptions, fd: int) -> CameraOptions:
    return CameraOptions(
        memory_fd=fd,
        address=options.camera,
        log=str(options.out / HAND_LOG),
        range=options.range,
        hand_model=options.hand_model,
        mirror=options.mirror,
        window=options.window,
        preview=str(options.preview) if options.preview else None,
    )


async def _play(stage: _Stage, options: PerformanceOptions, stop: asyncio.Event, found: Performance) -> None:
    """Play the song and wait for the first reason to end."""
    waits = {
        "stopped": stop.wait(),
        "camera": stage.camera.ended(),
        f"the camera has shown nothing for {CAMERA_TIMEOUT_S:.0f} s": stage.camera.silent(CAMERA_TIMEOUT_S),
        "tone": stage.tone.ended(),
        "recorder": stage.recorder.ended(),
    }
    if stage.song is not None and options.song is not None:
        waits["the song has ended"] = _play_song(stage.song, options.song)
    if options.duration_s is not None:
        waits[f"{options.duration_s:g} s are over"] = asyncio.sleep(options.duration_s)
    reason = list(waits)[await first_completed(*waits.values())]
    beat, end = stage.camera.get(CameraBeat), stage.camera.get(CameraEnded)
    found.pictures = end.pictures if end else beat.pictures if beat else 0
    found.skipped = end.skipped if end else 0
    if found.is_fault:  # the recorder has stated the reason
        return
    found.is_fault = reason.startswith("the camera") or reason in ("tone", "recorder")
    found.reason = reason
    if reason == "camera":
        found.reason = (end.fault or "the video has ended") if end else f"the camera failed: {stage.camera.reason}"
        found.is_fault = end is None or bool(end.fault)
    elif reason in ("tone", "recorder"):
        found.reason = f"the {reason} has ended: {stage.tone.reason if reason == 'tone' else stage.recorder.reason}"


async def _play_song(song: Feeder, sound: SongSound) -> None:
    """Play the song from its beginning, and wait until it has been played."""
    data = sound.samples.astype("<f4").tobytes()
    writing = asyncio.create_task(asyncio.to_thread(_write, os.dup(song.input_fd), data))
    song.close_input()
    try:
        await song.wait()
    finally:
        writing.cancel()


def _write(fd: int, data: bytes) -> None:
    """Write all of `data` to a pipe, which its reader may close."""
    try:
        with os.fdopen(fd, "wb", buffering=0) as pipe:
            view = memoryview(data)
            while view:
                view = view[pipe.write(view) :]
    except BrokenPipeError:
        return


def _python_path() -> str:
    """Where the helper processes find this package."""
    return os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
