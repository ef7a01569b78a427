"""Which system programs are missing, and how to get them."""

from __future__ import annotations

import pytest

from tidzam.errors import SetupError
from tidzam.node.system_packages import require_programs


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SetupError, match="apt-get install ffmpeg icecast2 jackd2 mpv util-linux") as caught:
        require_programs()
    assert "jackd, mpv, ffmpeg, ffprobe, icecast2, setpriv" in caught.value.message


def test_a_machine_that_has_them_is_fine() -> None:
    require_programs()
