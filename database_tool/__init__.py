"""Compiled datasets: the operations, their command line and their editor."""

from tidzam.startup_signals import catch_signals

catch_signals("database_tool")
