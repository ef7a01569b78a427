"""Where a recorder keeps what it records, and how its microphones are called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tidzam.audio.alsa import capture_devices


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

    Raises IndexError if there is no device with that index.
    """
    address = capture_devices()[int(text)].name if text.isdecimal() else text
    return ["--sources", f"{name}={address}"]
