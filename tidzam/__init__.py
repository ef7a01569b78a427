"""Shared ground of the Tidzam programs. Importing it costs nothing."""

__version__ = "0.1.0"
