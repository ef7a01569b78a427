"""The settings of a node, typed and validated. All errors in a file are reported together, each with its line."""

from tidzam.config.load import load_settings, load_sources
from tidzam.config.settings import Settings, SourceSettings

__all__ = ["Settings", "SourceSettings", "load_settings", "load_sources"]
