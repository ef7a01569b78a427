"""Why jackd cannot use its sound card, found in its log. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tidzam.config.settings import JackSettings

LOG_LINES: Final = 60
"""How many of the last lines of the log are examined: one attempt to start prints up to 30."""
_BANNER: Final = "jackdmp "
"""How the first line begins that jackd prints."""
_LIST: Final = "`tidzam sources devices` lists the devices of this machine."
_RETRIED: Final = "jackd is started again until the device is present."

# What jackd 1.9.21 and 1.9.22, and ALSA, print. The last line that matches counts, and of a line the first pattern.
_PATTERNS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), reason, hint)
    for pattern, reason, hint in (
        (
            "is already in use|device or resource busy|cannot be acquired",
            "is used by another program",
            f"End that program; jackd is started again until the device is free. {_LIST}",
        ),
        ("permission denied", "must not be opened by this user", "Add the user to the group `audio`."),
        (
            r"cannot set channel count to (?P<value>\d+) for capture",
            "does not capture {value} channels",
            "Set jack.capture_channels to the number that it has.",
        ),
        (
            r"cannot set sample/frame rate to (?P<value>\d+) for capture",
            "does not have the sample rate {value} Hz",
            "Set jack.rate_hz to one that it has, such as 44100 or 48000, or jack.device to its `plughw:` name.",
        ),
        (
            "doesn't support any of the hardware sample formats|mmap-based access is not possible",
            "has no sample format that jackd can use",
            "Set jack.device to its `plughw:` name, which converts the samples.",
        ),
        (
            r"cannot get card index|unknown pcm|invalid value for card|control open .*no such (file|device)",
            "does not exist",
            f"{_LIST} If it is unplugged, plug it in: {_RETRIED}",
        ),
        (
            "device disconnected|no such device|poll time out",
            "has been unplugged or does not respond",
            f"Plug it in; {_RETRIED}",
        ),
    )
)


def sound_card_fault(settings: JackSettings, log: Sequence[str]) -> str | None:
    """A sentence about the sound card and what to do, from the last lines of jackd's log; None if it works.

    `log` must end with the output of a jackd that has ended or hangs. Only what it printed since it started counts.
    """
    if not settings.driver or settings.driver[0] != "alsa":
        return None
    for line in reversed(log[-LOG_LINES:]):
        if line.startswith(_BANNER):
            return None
        for pattern, reason, hint in _PATTERNS:
            match = pattern.search(line)
            if match is not None:
                value = match.groupdict().get("value", "")
                return f"The ALSA device {alsa_device(settings)} {reason.format(value=value)}. {hint}"
    return None


def alsa_device(settings: JackSettings) -> str:
    """The ALSA device that jackd is to use: that of the settings, else that of the driver's own options."""
    if settings.device is not None:
        return settings.device
    named = (option[2:] for option in settings.driver[1:] if option[:2] in ("-d", "-C") and len(option) > 2)
    return next(named, "hw:0")
