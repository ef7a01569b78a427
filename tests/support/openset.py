"""Synthetic embeddings of two tags and background, and recordings with annotated tones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from tests.support.training import tone
from tidzam.embeddings.windows import AudioWindow
from trainer.openset.annotations import Use
from trainer.openset.labeled_windows import LabeledWindow
from trainer.openset.learning import EmbeddedWindows


def clouds(*, seed: int = 0, test: bool = False, overlap: float = 0.5, each: int = 40) -> EmbeddedWindows:
    """Normal distributions of 20 values: `each` windows of heron, of owl, and three times as many of background.

    `overlap` is their standard deviation; the means of the tags are 2 away from that of the background.
    """
    generator = np.random.default_rng(seed)
    call, background = ("test", "test-background") if test else ("train", "train-background")
    windows, values = [], []
    for number, (tag, count) in enumerate({"heron": each, "owl": each, "": 3 * each}.items()):
        mean = np.zeros(20)
        if tag:
            mean[number] = 2.0
        use: Use = call if tag else background  # type: ignore[assignment]
        for k in range(count):
            window = AudioWindow(Path(f"{tag or 'pond'}{k // 4}.wav"), float(k))
            windows.append(LabeledWindow(window, tag, use, frozenset({tag} - {""})))
            values.append(generator.normal(mean, overlap))
    return EmbeddedWindows(tuple(windows), np.array(values, np.float32))


TONES_HZ = {"high": 2800.0, "low": 500.0}
DAYS = ("2026-05-01", "2026-05-02")


def write_recordings(folder: Path) -> Path:
    """Recordings of two days with annotated tones every 2 s, and tones of 1500 Hz that nobody annotated.

    Returns the table of annotations.
    """
    lines = ["file,start,end,tag"]
    for day in DAYS:
        for hour in range(6):
            path = folder / f"pond-{day}-0{hour}-00-00.wav"
            sound = 0.001 * np.random.default_rng(hour).normal(size=16 * 8000).astype(np.float32)
            for k in range(8):
                tag = ("high", "low", "")[(k + hour) % 3]
                hz = TONES_HZ.get(tag, 1500.0) * (0.97 + 0.01 * hour)
                at = 16000 * k + 4000
                sound[at : at + 3200] += tone(hz, 0.4)
                if tag:
                    lines.append(f"{path.name},{at / 8000},{(at + 3200) / 8000},{tag}")
            soundfile.write(path, sound, 8000)
    table = folder / "calls.csv"
    table.write_text("\n".join(lines) + "\n")
    return table
