"""The settings of a node, typed and validated. All errors in a file are reported together, each with its line."""

from tidzam.config.load import load_settings, load_sources
from tidzam.config.settings import Settings
from tidzam.config.sources import SourceSettings

__all__ = ["Settings", "SourceSettings", "load_settings", "load_sources"]
