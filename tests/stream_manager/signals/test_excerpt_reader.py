"""Excerpts of the ports of another JACK client."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from stream_manager.signals.analysis import FRAMES
from tests.support.frame_codes import FRAME_CODE
from tests.support.jack import jack_server
from tests.support.player import playing

pytestmark = [pytest.mark.jack, pytest.mark.timeout(60)]


@pytest.mark.parametrize("period", [256, 2048, 8192])
def test_excerpts_are_contiguous_and_of_the_ports_that_exist(period: int) -> None:
    argv = [sys.executable, "-m", "tests.support.excerpts", "50", "pond:out_0", "pond:out_1", "gone:out_0"]
    with jack_server(period=period) as server, playing(server, "pond", FRAME_CODE, FRAME_CODE):
        env = {**os.environ, **server.env}
        answer = subprocess.run(argv, env=env, stdout=subprocess.PIPE, text=True, timeout=40, check=True).stdout
    excerpts = [json.loads(line) for line in answer.splitlines()]
    length = max(FRAMES, 2 * period)
    assert {"pond:out_0": [length, True], "pond:out_1": [length, True]} in excerpts
