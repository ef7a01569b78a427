"""`python -m examples.anomaly.commands`: record microphones, train an isolation forest, and find unusual sound."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from examples.anomaly.places import SoundFolders, microphone
from examples.anomaly.predictions import convert, predict
from tidzam.audio.alsa import capture_devices
from tidzam.bundle import FOREST
from tidzam.errors import TidzamError
from tidzam.terminal import exit_on_error

EXPECTED = ("--expected-anomalies", "0.001")
"""One window in a thousand: at a file per minute, one file in 17 is reported though it is normal."""
LENGTHS_S = {"minute": 60, "hour": 3600}
_LOOK_EVERY_S = 0.5


def record_single(folders: SoundFolders, arguments: argparse.Namespace) -> int:
    """Record one microphone to train on, without predictions."""
    with recorder([arguments.microphone], folders.train_unlabled, arguments, "flac") as process:
        return wait_for(process)


def record_two(folders: SoundFolders, arguments: argparse.Namespace) -> int:
    """Record two microphones as WAV; each complete file becomes a FLAC file, and is predicted if there is a forest."""
    with recorder(arguments.microphones, folders.record_buffer, arguments, "wav") as process:
        try:
            while process.poll() is None:
                time.sleep(_LOOK_EVERY_S)
                convert(folders)
                predict(folders)
        except KeyboardInterrupt:
            pass  # the recorder gets it, too, and completes its files
        except (TidzamError, OSError):
            process.terminate()  # it completes its files: the next start converts them
            wait_for(process)
            raise
        code = wait_for(process)
    convert(folders)
    predict(folders)
    return code


def train_iforest(folders: SoundFolders, arguments: argparse.Namespace) -> int:
    """Train the forest on what `record_single` has recorded."""
    options = ["--dataset-train", str(folders.train_unlabled), "--out", str(folders.bundle)]
    done = subprocess.run(
        [sys.executable, "-m", "trainer", "novelty", *options, *(arguments.options or EXPECTED)], check=False
    )
    if done.returncode == 0:
        shutil.copyfile(folders.bundle / FOREST, folders.onnx)
        print(f"{folders.onnx}: the forest alone")
    return done.returncode


def devices(folders: SoundFolders, arguments: argparse.Namespace) -> int:
    """Show the microphones with their indices."""
    found = capture_devices()
    if not found:
        print("No sound card that records was found; a microphone may also be any address or file.", file=sys.stderr)
    for index, device in enumerate(found):
        print(f"{index}  {device.name}  {device.card_name}, {device.device_name}")
    return 0


def recorder(
    microphones: Sequence[str], out: Path, arguments: argparse.Namespace, file_format: str
) -> subprocess.Popen[bytes]:
    """`tidzam record` of some microphones, called mic1, mic2 and so on."""
    options = ["--out", str(out), "--format", file_format, "--length", str(LENGTHS_S[arguments.every])]
    options += [] if arguments.duration is None else ["--duration", str(arguments.duration)]
    sources = [word for number, one in enumerate(microphones, 1) for word in microphone(one, f"mic{number}")]
    return subprocess.Popen([sys.executable, "-m", "tidzam.cli", "record", *sources, *options, "--loop"])


def wait_for(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a recorder, which completes its files after Ctrl-C."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def main(words: Sequence[str] | None = None) -> int:
    """Run the command that `words` name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="where sound_rec is (default: here)")
    commands = parser.add_subparsers(required=True)
    recording = argparse.ArgumentParser(add_help=False)
    recording.add_argument("--every", choices=LENGTHS_S, default="minute", help="a file per minute or hour")
    recording.add_argument("--duration", type=float, help="seconds (default: until Ctrl-C)")
    for command in (record_single, record_two, train_iforest, devices):
        parents = [recording] if command in (record_single, record_two) else []
        one = commands.add_parser(command.__name__, help=command.__doc__, parents=parents)
        one.set_defaults(command=command)
        if command is record_single:
            one.add_argument("microphone", help="index of a device, or any address")
        if command is record_two:
            one.add_argument("microphones", nargs=2, help="indices of devices, or any addresses")
    arguments, options = parser.parse_known_args(words)
    arguments.options = options
    if arguments.options and arguments.command is not train_iforest:  # its options are those of the trainer
        parser.error(f"unrecognized arguments: {' '.join(arguments.options)}")
    code: int = arguments.command(SoundFolders(arguments.root), arguments)
    return code


if __name__ == "__main__":
    with exit_on_error("anomaly"):
        sys.exit(main())
