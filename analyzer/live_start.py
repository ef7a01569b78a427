"""The start of live analysis: audio is captured while the classifiers, and what runs them, are loaded.

Importing this module takes little time, so that the capture process starts right after the program.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.capture.child import CaptureOptions, early_capture
from analyzer.capture_session import ring_length_s
from tidzam.bundle import cascade_folders, read_manifest
from tidzam.config.settings import AnalyzerSettings

if TYPE_CHECKING:
    from analyzer.app import LiveOptions


async def start_live(
    settings: AnalyzerSettings, options: Callable[[], LiveOptions], *, jack_server: str | None, home: Path | None
) -> None:
    """Capture and analyze, until TERM or INT. Raises TidzamError if it cannot begin.

    `options` is called once `analyzer.app` is imported. Without a `jack_server`, the environment names it. `home` is
    the node's home, which holds the installed models.
    """
    capture = CaptureOptions(
        patterns=settings.ports,
        server=jack_server,
        slots=settings.max_channels,
        ring_s=ring_length_s(await asyncio.to_thread(longest_window_s, settings, home)),
    )
    async with early_capture(capture) as first:
        await asyncio.to_thread(_import_application)
        from analyzer.app import run_live

        await run_live(options(), capture, first)


def longest_window_s(settings: AnalyzerSettings, home: Path | None = None) -> float:
    """The length of the longest window of the cascade, in seconds. Raises BundleError if a manifest is not valid."""
    folders = cascade_folders(settings.nn, settings.models, home=home)
    return max(read_manifest(folder).input.window_s for folder in folders)


def _import_application() -> None:
    import analyzer.app  # noqa: F401 - in a thread, while the capture process starts
