"""Classifies audio, of files or live from JACK, and delivers what it hears."""

from tidzam.startup_signals import catch_signals

catch_signals("analyzer")
