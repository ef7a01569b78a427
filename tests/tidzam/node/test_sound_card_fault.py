"""Why jackd cannot use its sound card, from what jackd and ALSA print."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.support.guard import server_prefix
from tests.support.status import LIMITS, node
from tidzam.config.settings import JackSettings
from tidzam.node.check import faults, programs_are_up, restarts, settled
from tidzam.node.jackd import SERVER_ENV, jackd_argv
from tidzam.node.sound_card_fault import alsa_device, sound_card_fault
from tidzam.node.status import ProcessStatus

MICROPHONE = JackSettings(driver=("alsa",), device="hw:Mic", capture_channels=1, rate_hz=48000)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ALSA lib confmisc.c:165:(snd_config_get_card) Cannot get card index for Mic", "does not exist"),
        ('control open "hw:1" (No such file or directory)', "does not exist"),
        ('control open "hw:Mic" (No such device)', "does not exist"),
        ("ALSA lib pcm.c:2660:(snd_pcm_open_noupdate) Unknown PCM mic", "does not exist"),
        (
            'ATTENTION: The capture (recording) device "hw:Mic" is already in use. Please stop the application',
            "is used by another program",
        ),
        ("ALSA: cannot set channel count to 4 for capture", "does not capture 4 channels"),
        ("ALSA: cannot set sample/frame rate to 48000 for capture", "does not have the sample rate 48000 Hz"),
        ("ALSA: capture device disconnected", "has been unplugged"),
        ("ALSA: poll time out, polled for 2047993 usecs, Reached max retry cnt = 5, Exiting", "does not respond"),
        ("ALSA lib pcm_hw.c:1822: open '/dev/snd/pcmC1D0c' failed (-13): Permission denied", "group `audio`"),
        ("ALSA: mmap-based access is not possible for the capture stream", "`plughw:`"),
    ],
)
def test_the_reason_is_found_in_the_log(line: str, expected: str) -> None:
    found = sound_card_fault(MICROPHONE, ["creating alsa driver", line, "Cannot initialize driver"])
    assert found is not None
    assert found.startswith("The ALSA device hw:Mic ")
    assert expected in found


def test_the_last_reason_counts() -> None:
    log = ["cannot get card index for Mic", 'device "hw:Mic" is already in use', "Failed to open server"]
    assert "another program" in str(sound_card_fault(MICROPHONE, log))


def test_what_an_earlier_jackd_printed_does_not_count() -> None:
    assert (
        sound_card_fault(MICROPHONE, ["Cannot get card index for Mic", "jackdmp 1.9.21", "JACK server starting"])
        is None
    )


def test_other_drivers_and_other_failures_are_not_blamed_on_the_sound_card() -> None:
    assert sound_card_fault(JackSettings(), ["cannot get card index for Mic"]) is None
    assert sound_card_fault(MICROPHONE, ["Too many servers already active"]) is None


@pytest.mark.parametrize(
    ("settings", "device"),
    [
        (MICROPHONE, "hw:Mic"),
        (JackSettings(driver=("alsa", "-dhw:2")), "hw:2"),
        (JackSettings(driver=("alsa", "-C", "-Chw:3")), "hw:3"),
        (JackSettings(driver=("alsa",)), "hw:0"),
    ],
)
def test_the_device_is_that_of_the_settings_or_of_the_drivers_options(settings: JackSettings, device: str) -> None:
    assert alsa_device(settings) == device


def test_a_missing_sound_card_is_reported_alone_and_restarts_nothing() -> None:
    status = node(
        sound_card_fault="The ALSA device hw:Mic does not exist.",
        jack_ok=None,
        processes=tuple(
            ProcessStatus(one.name, "FATAL" if one.name == "jackd" else "RUNNING", 100, 60.0)
            for one in node().processes
        ),
    )
    found = faults(status, LIMITS)
    assert [fault.reason for fault in found] == ["The ALSA device hw:Mic does not exist."]
    assert not restarts(found)
    assert settled(found)
    assert programs_are_up(status)


@pytest.mark.jack
def test_a_real_jackd_without_its_device_prints_the_reason() -> None:
    settings = MICROPHONE.model_copy(update={"server": f"{server_prefix(os.getpid())}alsa", "device": "hw:NoSuchCard"})
    done = subprocess.run(
        jackd_argv(settings),
        env={**os.environ, **SERVER_ENV},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode != 0
    found = sound_card_fault(settings, (done.stdout + done.stderr).splitlines())
    assert found is not None
    assert "hw:NoSuchCard does not exist" in found
    assert "`tidzam sources devices`" in found
