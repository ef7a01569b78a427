"""The console: web pages and the REST API for people. Run it with `python -m console`."""

from tidzam.startup_signals import catch_signals

catch_signals("console")
