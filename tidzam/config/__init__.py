"""Settings of a node: typed, validated as a whole, every mistake in a file told at once and with its place."""

from tidzam.config.load import load_settings, load_sources
from tidzam.config.settings import Settings, SourceSettings

__all__ = ["Settings", "SourceSettings", "load_settings", "load_sources"]
