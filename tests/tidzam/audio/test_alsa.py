"""The capture devices in what the kernel lists."""

from __future__ import annotations

from pathlib import Path

from tidzam.audio.alsa import capture_devices

CARDS = """\
 0 [PCH            ]: Board - Intel PCH
                      Intel PCH at 0xf7e30000 irq 31
 1 [C930e          ]: USB-Audio - Logitech Webcam C930e
                      Logitech Webcam C930e at usb-0000:00:14.0-9, high speed
 3 [Loopback       ]: Loopback - Loopback
                      Loopback 1
"""
PCM = """\
03-01: Loopback PCM : Loopback PCM : playback 8 : capture 8
00-00: ALC892 Analog : ALC892 Analog : playback 1 : capture 1
00-02: ALC892 Alt Analog : ALC892 Alt Analog : capture 1
00-03: HDMI 0 : HDMI 0 : playback 1
01-00: USB Audio : USB Audio : capture 1
"""
STREAM = """\
Logitech Webcam C930e at usb-0000:00:14.0-9, high speed : USB Audio

Playback:
  Status: Stop
  Interface 1
    Altset 1
    Format: S16_LE
    Channels: 6
    Rates: 96000

Capture:
  Status: Stop
  Interface 3
    Altset 1
    Format: S16_LE
    Channels: 2
    Endpoint: 0x84 (4 IN) (ASYNC)
    Rates: 16000, 44100
  Interface 3
    Altset 2
    Format: S16_LE
    Channels: 1
    Rates: 44100, 48000
"""


def proc(folder: Path) -> Path:
    (folder / "cards").write_text(CARDS, encoding="utf-8")
    (folder / "pcm").write_text(PCM, encoding="utf-8")
    (folder / "card1").mkdir()
    (folder / "card1" / "stream0").write_text(STREAM, encoding="utf-8")
    return folder


def test_devices_that_capture_are_found_with_names_that_stay(tmp_path: Path) -> None:
    devices = capture_devices(proc(tmp_path))
    assert [device.name for device in devices] == ["hw:PCH", "hw:PCH,2", "hw:C930e", "hw:Loopback,1"]
    assert [device.card_name for device in devices[1:3]] == ["Intel PCH", "Logitech Webcam C930e"]


def test_the_channels_and_rates_of_a_usb_device_are_those_of_capturing(tmp_path: Path) -> None:
    pch, _, webcam, _ = capture_devices(proc(tmp_path))
    assert (webcam.channels, webcam.rates) == ((1, 2), ("16000", "44100", "48000"))
    assert (pch.channels, pch.rates) == ((), ())


def test_a_machine_without_alsa_has_no_devices(tmp_path: Path) -> None:
    assert capture_devices(tmp_path / "none") == ()


def test_a_machine_without_cards_has_no_devices(tmp_path: Path) -> None:
    (tmp_path / "cards").write_text("--- no soundcards ---\n", encoding="utf-8")
    (tmp_path / "pcm").write_text("", encoding="utf-8")
    assert capture_devices(tmp_path) == ()
