"""The command line of the JACK server."""

from __future__ import annotations

from tidzam.config.settings import JackSettings
from tidzam.node.jackd import jackd_argv


def test_every_option_that_tidzam_2019_documents_is_a_setting() -> None:
    settings = JackSettings(
        server="pond", port_max=2048, timeout_ms=50000, rate_hz=44100, period=8192, driver=("dummy",), realtime=False
    )
    expected = "jackd --name=pond --no-realtime --port-max=2048 -t50000 -ddummy -r44100 -p8192"
    assert " ".join(jackd_argv(settings)) == expected


def test_the_driver_has_options_and_scheduling_can_be_real_time_and_synchronous() -> None:
    settings = JackSettings(server="pond", driver=("alsa", "-dhw:0"), realtime=True, synchronous=True)
    words = jackd_argv(settings)
    assert words[words.index("-dalsa") :] == ["-dalsa", "-r44100", "-p2048", "-dhw:0"]
    assert {"--realtime", "-S"} <= set(words)
