"""`python -m examples.theremin`: play with your hand, and get the recording, the notes and a score."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from examples.theremin.hands import HandModel
from examples.theremin.mail import require_address, smtp_settings
from examples.theremin.melody import DEFAULT_SONG, Melody, read_melody, render
from examples.theremin.notes import DEFAULT_RANGE, PitchRange, name_of, note_of, parse_note
from examples.theremin.outputs import Outputs, mail_outputs, make_outputs, output_folder
from examples.theremin.performance import Performance, PerformanceOptions, SongSound, perform
from examples.theremin.pitch import LOWEST_HZ
from examples.theremin.recording import join
from examples.theremin.server import RATE_HZ, running_server
from tidzam import terminal
from tidzam.audio.files import read_audio
from tidzam.errors import AudioError, ConfigError
from tidzam.terminal import command_line, exit_on_error

CAMERA_LOST = 3
"""Exit code when the performance ended by a fault; what was recorded until then is complete."""
LOWEST_NOTE = math.ceil(note_of(LOWEST_HZ))
app = command_line()
say = partial(terminal.say, program="theremin")


@app.command()
def play(
    camera: Annotated[str, typer.Option(help="Number, device or address of the camera.")] = "0",
    video: Annotated[Path | None, typer.Option(help="Play this video in place of a camera.")] = None,
    song: Annotated[
        Path | None, typer.Option(help="Melody as a text file, or audio together with --melody; Ode to Joy by default.")
    ] = None,
    melody: Annotated[Path | None, typer.Option(help="The melody of the audio in --song, as a text file.")] = None,
    no_song: Annotated[bool, typer.Option("--no-song", help="Play without a song, until Ctrl-C.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for everything; theremin-TIME or that of --recording by default.")
    ] = None,
    lowest: Annotated[str, typer.Option(help="Note of the smallest area.")] = "G3",
    highest: Annotated[str, typer.Option(help="Note of the largest area.")] = "G5",
    areas: Annotated[str, typer.Option(help="Smallest and largest area in percent of the picture.")] = "2,32",
    hand_model: Annotated[HandModel, typer.Option(help="How hands are found.")] = "skin",
    mirror: Annotated[bool, typer.Option("--mirror/--no-mirror", help="Mirror the camera.")] = True,
    show: Annotated[bool, typer.Option("--show", help="Show the picture with a green square on the hand.")] = False,
    preview: Annotated[Path | None, typer.Option(help="Write that picture to an .mp4 file.")] = None,
    jack: Annotated[str | None, typer.Option(help="Name of a running JACK server.")] = None,
    sound_card: Annotated[str | None, typer.Option(help="ALSA device of the JACK server that is started.")] = None,
    microphone: Annotated[bool, typer.Option("--microphone", help="Record the microphone, too.")] = False,
    duration: Annotated[float | None, typer.Option(min=0.1, help="Seconds after which to end.")] = None,
    recording: Annotated[Path | None, typer.Option(help="Play nothing; evaluate this recording.")] = None,
    mail: Annotated[str | None, typer.Option(help="Send score and PDF to this address.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write mail.eml, and send nothing.")] = False,
    attach_recording: Annotated[bool, typer.Option("--attach-recording", help="Mail the recording, too.")] = False,
) -> None:
    """Play a tone by the area of your hand in front of a camera, to a song. Ctrl-C ends the performance.

    The result is a folder with recording.wav (channels: tone, song, microphone), notes.pdf, notes.csv, score.json and
    hand.csv (the area in each picture).
    """
    if mail:
        require_address(mail)
    elif dry_run or attach_recording:
        raise ConfigError("--dry-run and --attach-recording are about an e-mail.", hint="Add --mail ADDRESS.")
    smtp = smtp_settings(os.environ) if mail and not dry_run else None
    tune, sound = (None, None) if no_song else _song(song or DEFAULT_SONG, melody)
    if video is not None and not video.exists():
        raise ConfigError(f"{video} does not exist.", hint="Without --video, the camera is used.")
    ended = Performance()
    default = Path(f"theremin-{datetime.now(UTC):%Y%m%d-%H%M%S}") if recording is None else recording.parent
    folder = out or default
    if recording is None:
        options = PerformanceOptions(
            out=folder, camera=camera if video is None else str(video), song=sound,
            range=_range(lowest, highest, areas), hand_model=hand_model, mirror=mirror and video is None, window=show,
            preview=preview, jack=jack or (running_server() if sound_card is None else None), sound_card=sound_card,
            microphone=microphone, duration_s=duration,
        )  # fmt: skip
        if options.jack is None and sound_card is None:
            say("Nothing is heard, only recorded: use --sound-card hw:0, or a JACK server that is running.")
        with output_folder(folder):
            ended = asyncio.run(_perform(options))
            recording = _recording_of(ended, folder)
    with output_folder(folder):
        outputs = make_outputs(recording, tune, sound, folder)
    _report(outputs)
    if mail:
        sender = smtp.sender if smtp else os.environ.get("THEREMIN_SMTP_FROM", "theremin@localhost")
        mail_outputs(outputs, mail, smtp, sender=sender, attach_recording=attach_recording)
        say(f"The e-mail to {mail} is in {folder / 'mail.eml'}{'' if smtp is None else ', and was sent'}.")
    if ended.is_fault:
        sys.exit(CAMERA_LOST)


def _song(song: Path, melody: Path | None) -> tuple[Melody | None, SongSound]:
    """The melody that is to be followed, and what is played beside the tone."""
    if song.suffix == ".txt":
        tune = read_melody(song)
        return tune, SongSound(render(tune, RATE_HZ), RATE_HZ)
    samples, rate_hz = read_audio(song)
    return read_melody(melody) if melody else None, SongSound(samples.mean(axis=0), rate_hz)


def _range(lowest: str, highest: str, areas: str) -> PitchRange:
    low, high = parse_note(lowest), parse_note(highest)
    try:
        smallest, largest = (float(text) / 100 for text in areas.split(","))
    except ValueError:
        raise ConfigError(f"--areas is {areas!r}, expected two numbers.", hint="Write it as --areas 2,32.") from None
    if low < LOWEST_NOTE:
        hint = f"The lowest note that is measured is {name_of(LOWEST_NOTE)}."
        raise ConfigError(f"--lowest is {lowest}, which is too low.", hint=hint)
    if not (0 < smallest < largest <= 1 and low < high):
        hint = f"The default is {DEFAULT_RANGE.smallest_area:.0%} to {DEFAULT_RANGE.largest_area:.0%}, G3 to G5."
        raise ConfigError("The smallest area and the lowest note must be below the largest and the highest.", hint=hint)
    return PitchRange(lowest=low, highest=high, smallest_area=smallest, largest_area=largest)


async def _perform(options: PerformanceOptions) -> Performance:
    """The performance, which Ctrl-C and TERM end."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    return await perform(options, stop, say)


def _recording_of(ended: Performance, folder: Path) -> Path:
    say(f"Ended: {ended.reason.rstrip('.')}.")
    if not ended.files:
        raise AudioError("Nothing was recorded.", hint="The reason is in the lines above.")
    if ended.lost_s:
        say(f"{ended.lost_s:.3f} s are missing in the recording, as the machine was too busy.")
    return join(ended.files, folder / "recording.wav")


def _report(outputs: Outputs) -> None:
    summary = outputs.sheet.summary
    say(f"{outputs.sheet.title}: {summary}.")
    for path in (outputs.recording, outputs.pdf, outputs.notes, outputs.score):
        terminal.stdout.print(str(path), markup=False)


if __name__ == "__main__":
    with exit_on_error("theremin"):
        app()
