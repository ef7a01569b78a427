"""The start of live analysis: audio is captured while the classifiers, and what runs them, are loaded.

Importing this module takes little time, so that the capture process starts right after the program.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from analyzer.capture.child import CaptureOptions, EarlyCapture, early_capture
from analyzer.live.capture_session import ring_length_s
from tidzam.bundle import cascade_folders, novelty_folders, read_manifest
from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.promotions import chosen_cascade
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import BundleError

LiveProgram = Callable[[CaptureOptions, EarlyCapture], Awaitable[None]]
"""Analyzes what is captured with these options, by this process and by those that replace it."""


async def start_live(
    settings: AnalyzerSettings, load: Callable[[], LiveProgram], *, jack_server: str | None, home: Path | None
) -> None:
    """Capture, and run the program that `load` imports in a thread meanwhile. Raises TidzamError if it cannot begin.

    Without a `jack_server`, the environment names it. `home` is the node's home, which holds the installed models.
    """
    capture = CaptureOptions(
        patterns=settings.ports,
        server=jack_server,
        slots=settings.max_channels,
        ring_s=ring_length_s(await asyncio.to_thread(longest_window_s, settings, home)),
    )
    async with early_capture(capture) as first:
        program = await asyncio.to_thread(load)
        await program(capture, first)


def longest_window_s(settings: AnalyzerSettings, home: Path | None = None) -> float:
    """The length of the longest window of the cascade, in seconds; of the settings' one, too, if another was promoted,
    which may turn out to be unusable. Raises BundleError if a manifest is not valid."""
    choice, _ = chosen_cascade(settings, home)
    own, longest_s = CascadeChoice(settings.nn, settings.models), _longest_window_s(choice, home)
    if choice != own:
        with suppress(BundleError):  # they are not needed, as long as the other can be used
            longest_s = max(longest_s, _longest_window_s(own, home))
    novelty = [read_manifest(folder).input.window_s for folder in novelty_folders(settings.novelty, home=home)]
    return max([longest_s, *novelty])


def _longest_window_s(choice: CascadeChoice, home: Path | None) -> float:
    folders = cascade_folders(choice.nn, choice.models, home=home)
    return max(read_manifest(folder).input.window_s for folder in folders)
