"""The library that the programs of Tidzam share. Importing it loads nothing else of it."""

from tidzam.startup_signals import catch_signals

__version__ = "0.1.0"

catch_signals("tidzam")
