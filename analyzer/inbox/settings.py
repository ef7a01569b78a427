"""The settings of the inference, and its start with them."""

from __future__ import annotations

from pathlib import Path

from tidzam.config.load import load_settings
from tidzam.config.settings import Settings
from tidzam.log import set_up_logging


def settings_of(profile: Path | None, folder: Path | None) -> Settings:
    """The settings of a profile, or those of a node whose home is the folder. Raises ConfigError."""
    settings = load_settings(profile) if profile is not None else Settings(home=folder and folder.resolve())
    if folder is None:
        return settings
    places: dict[str, Path] = {"folder": folder.resolve()}
    if profile is None:
        places["csv"] = folder.resolve() / "detections.csv"
    return settings.model_copy(update={"edge": settings.edge.model_copy(update=places)})


def analyze_inbox(settings: Settings, *, once: bool = False) -> int:
    """Analyze what arrives, until TERM or INT, or until all is analyzed. Returns the exit code. Raises TidzamError."""
    set_up_logging(settings.log.level, json_lines=settings.log.json_lines)
    from analyzer.inbox.app import InboxOptions, run_inbox  # takes a second: mistakes are reported before

    return run_inbox(InboxOptions(settings=settings, once=once))
