"""The audio outputs of a machine."""

from __future__ import annotations

import os
from pathlib import Path


def has_audio_device() -> bool:
    """Whether there is a sound server or a sound card for playback."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent"))
    servers = (runtime / "pulse" / "native", runtime / "pipewire-0")
    cards = Path("/dev/snd").glob("pcm*p")
    return "PULSE_SERVER" in os.environ or any(server.exists() for server in servers) or any(cards)
