"""Loads sources into JACK, and pushes each of their channels to Icecast."""

from tidzam.startup_signals import catch_signals

catch_signals("stream_manager")
