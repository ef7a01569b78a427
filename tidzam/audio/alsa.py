"""The ALSA devices of this machine that capture sound, as the kernel lists them in /proc/asound."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc/asound")
_CARD = re.compile(r"^ *(?P<number>\d+) \[(?P<id>[^\]]*)\]: *(?P<driver>.*?) - (?P<name>.*)$", re.MULTILINE)
_PCM = re.compile(r"^(?P<card>\d+)-(?P<device>\d+): (?P<fields>.*)$", re.MULTILINE)
_USB_CAPTURE = re.compile(r"^Capture:\s*$", re.MULTILINE)
_CHANNELS = re.compile(r"^\s*Channels: (\d+)\s*$", re.MULTILINE)
_RATES = re.compile(r"^\s*Rates: (.+)$", re.MULTILINE)

StreamText = Callable[[int, int], str]
"""From the numbers of a card and of its device to what the kernel says about it; empty if it says nothing."""


@dataclass(frozen=True)
class AlsaDevice:
    """A device that captures. `card` is the id of its card, which stays when cards are plugged in another order.

    `channels` and `rates` are what the kernel says of a USB device; they are empty for others.
    """

    card: str
    number: int
    device: int
    card_name: str
    device_name: str
    channels: tuple[int, ...] = ()
    rates: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name for ALSA."""
        return f"hw:{self.card}" if self.device == 0 else f"hw:{self.card},{self.device}"


def capture_devices(proc: Path = PROC) -> tuple[AlsaDevice, ...]:
    """The devices that capture, in the order of their numbers; none where there is no ALSA."""
    try:
        cards, pcm = ((proc / name).read_text(encoding="utf-8", errors="replace") for name in ("cards", "pcm"))
    except OSError:
        return ()
    return parse_devices(cards, pcm, lambda card, device: _read(proc / f"card{card}" / f"stream{device}"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # only USB devices have it
        return ""


def parse_devices(cards: str, pcm: str, stream: StreamText) -> tuple[AlsaDevice, ...]:
    """The devices in the texts of `cards` and `pcm`. `stream` returns the text about a device of a USB card."""
    known = {int(match["number"]): match for match in _CARD.finditer(cards)}
    return tuple(_devices(known, pcm, stream))


def _devices(cards: Mapping[int, re.Match[str]], pcm: str, stream: StreamText) -> Iterator[AlsaDevice]:
    for match in sorted(_PCM.finditer(pcm), key=lambda found: (int(found["card"]), int(found["device"]))):
        number, device = int(match["card"]), int(match["device"])
        name, *others = match["fields"].split(" : ")
        if number not in cards or not any(field.strip().startswith("capture") for field in others):
            continue
        card, about = cards[number], _capture_part(stream(number, device))
        yield AlsaDevice(
            card=card["id"].strip(),
            number=number,
            device=device,
            card_name=card["name"].strip(),
            device_name=name.strip(),
            channels=tuple(sorted({int(found) for found in _CHANNELS.findall(about)})),
            rates=tuple(dict.fromkeys(rate.strip() for found in _RATES.findall(about) for rate in found.split(","))),
        )


def _capture_part(text: str) -> str:
    """What the text about a USB device says of capturing."""
    begin = _USB_CAPTURE.search(text)
    if begin is None:
        return ""
    return text[begin.end() :].partition("\nPlayback:")[0]
