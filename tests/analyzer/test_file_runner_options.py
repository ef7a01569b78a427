"""The options of the analysis of a file, written as Tidzam 2019 prints them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from analyzer.__main__ import app
from tests.support.bundles import write_tone_bundle
from tests.support.chain_server import PASSWORD, USER, chain_server
from tests.support.sound import tone
from tidzam.log import PROGRAMS

pytestmark = pytest.mark.timeout(60)

RATE_HZ = 44100


@pytest.fixture(scope="module")
def nn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nn")
    write_tone_bundle(folder, "selector", {"birds": (3000.0,), "rain": (500.0,)})
    write_tone_bundle(folder, "birds", {"birds-goose": (3000.0,), "birds-crow": (6000.0,)})
    return folder


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two channels of three seconds: a goose, rain, and nothing known; and the same backwards."""
    path = tmp_path_factory.mktemp("sound") / "stream-2026-05-01-06-30-00.wav"
    sound = np.concatenate([tone(hz, amplitude=0.9) for hz in (3000.0, 500.0, 15000.0)])
    soundfile.write(path, np.stack([sound, sound[::-1]], axis=1), RATE_HZ)
    return path


@pytest.fixture
def levels() -> Iterator[None]:
    """Afterwards the levels of all loggers are as before."""
    loggers = [logging.getLogger(name) for name in ("", *PROGRAMS)]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


def run(*options: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, [*options, "--json"])
    assert done.exit_code == 0, done.output
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("options", [("-s", "{}", "-n", "{}", "-c", "1"), ("--stream={}", "--nn={}", "--channel=1")])
def test_the_short_and_the_long_forms_of_the_input(stream: Path, nn: Path, options: tuple[str, ...]) -> None:
    values = iter((stream, nn))
    report = run(*(option.format(next(values)) if "{}" in option else option for option in options))
    assert (report["channels"], report["windows"]) == ([1], 3)


def test_overlap_is_a_fraction_of_a_window(stream: Path, nn: Path) -> None:
    assert run(f"--stream={stream}", f"--nn={nn}", "--overlap=0.5", "--channel=0")["windows"] == 5


@pytest.mark.parametrize("out", [("-o", "{}"), ("--out={}",)])
@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (
            ("--extract=unknown,birds-", "--no-extract-dd"),
            {("birds-goose", 0), ("birds-goose", 1), ("unknown", 0), ("unknown", 1)},
        ),
        (("--extract=rain", "--extract-dd", "--extract-channels=1"), {("rain", 1)}),
        (("--extract-dd", "--extract-channels=0"), {("birds-goose", 0), ("rain", 0), ("unknown", 0)}),
    ],
)
def test_extracted_samples(
    stream: Path, nn: Path, tmp_path: Path, out: tuple[str, ...], options: tuple[str, ...], kept: set[tuple[str, int]]
) -> None:
    run(f"--stream={stream}", f"--nn={nn}", *(one.format(tmp_path / "out") for one in out), *options)
    clips = [path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.flac")]
    assert {(clip.parent.as_posix(), int(re.findall(r"out_(\d)", clip.name)[0])) for clip in clips} == kept


@pytest.mark.parametrize(("value", "level"), [("0", logging.INFO), ("1", logging.DEBUG)])
def test_debug_sets_the_level_of_the_log(stream: Path, nn: Path, value: str, level: int, levels: None) -> None:
    run(f"--stream={stream}", f"--nn={nn}", f"--debug={value}")
    assert logging.getLogger("analyzer").level == level


async def test_the_chain_api_gets_the_results_of_a_file(stream: Path, nn: Path, tmp_path: Path) -> None:
    async with chain_server(datetime.now(UTC)) as server:
        options = [f"--stream={stream}", f"--nn={nn}", f"--chainAPI={USER}:{PASSWORD}@{server.url}"]
        argv = [sys.executable, "-m", "analyzer", *options, "--json"]
        process = await asyncio.create_subprocess_exec(*argv, env={**os.environ, "TIDZAM_HOME": str(tmp_path)})
        assert await process.wait() == 0
    assert {sensor.content["metric"] for sensor in server.of("sensors")} == {"birds", "birds-goose", "rain"}
