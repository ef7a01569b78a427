"""Where a recorder keeps what it records, and how its microphones are called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tidzam.audio.alsa import capture_devices
from tidzam.errors import ConfigError


@dataclass(frozen=True)
class SoundFolders:
    """The folders and files of a recorder in `root`."""

    root: Path

    @property
    def flac(self) -> Path:
        """What was recorded, a file per minute or hour."""
        return self.root / "sound_rec" / "flac"

    @property
    def predicted_records(self) -> Path:
        """Those of its files that hold unusual sound."""
        return self.root / "sound_rec" / "predicted_records"

    @property
    def record_buffer(self) -> Path:
        """WAV files that are being recorded, or are still to be converted."""
        return self.root / "sound_rec" / "record_buffer"

    @property
    def rejected(self) -> Path:
        """Files that cannot be read."""
        return self.root / "sound_rec" / "rejected"

    @property
    def train_unlabled(self) -> Path:
        """What the forest is trained on."""
        return self.root / "sound_rec" / "train_unlabled"

    @property
    def bundle(self) -> Path:
        """The novelty bundle."""
        return self.root / "train_iforest"

    @property
    def onnx(self) -> Path:
        """The forest of the bundle alone."""
        return self.root / "train_iforest.onnx"

    @property
    def predictions(self) -> Path:
        """A row per file: its name, and `anomaly` or `normal`."""
        return self.root / "predictions.csv"


def microphone(text: str, name: str) -> list[str]:
    """The option of `tidzam record` for a microphone: the index of a device in the list, or any address or file.

    Raises ConfigError if there is no device with that index.
    """
    if not text.isdecimal():
        return ["--sources", f"{name}={text}"]
    devices = capture_devices()
    if int(text) >= len(devices):
        found = f"the indices are 0 to {len(devices) - 1}" if devices else "no sound card that records was found"
        hint = "`python -m examples.anomaly.commands devices` lists them; any address or file will do, too."
        raise ConfigError(f"There is no microphone with the index {text}: {found}.", hint=hint)
    return ["--sources", f"{name}={devices[int(text)].name}"]
