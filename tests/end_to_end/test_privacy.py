"""A node that hears a person: neither its clips nor its recordings hold speech, and it says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually
from tests.support.node import Node
from tests.support.silero import silero_home
from tests.support.sound import tone
from tests.support.speech import with_speech
from tidzam.config.privacy import PrivacySettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.paths import DETECTORS
from tidzam.speech.files import speech_in

pytestmark = pytest.mark.timeout(120)

RATE_HZ = 48000


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A bird all the time, and a person every ten seconds, whom the second microphone does not hear."""
    folder = tmp_path_factory.mktemp("private")
    bird = tone(5000.0, rate_hz=RATE_HZ, duration_s=30.0, amplitude=0.05)
    mixed, _ = with_speech(bird, RATE_HZ, starts_s=[5.0, 15.0, 25.0], snr_db=6)
    soundfile.write(folder / "pond.wav", np.stack([mixed, bird], axis=1), RATE_HZ)
    write_tone_bundle(folder / "nn", "selector", {"birds": (5000.0,), "rain": (500.0,)})
    source = {"name": "pond", "url": str(folder / "pond.wav"), "loop": True, "outputs": []}
    source |= {"record": {"path": str(folder / "recordings"), "format": "wav", "length_s": 5}}
    clips = {"type": "clips", "folder": str(folder / "clips"), "rules": [{"rate": 1.0}]}
    analyzer = {"nn": str(folder / "nn"), "sinks": [clips], "privacy": {"detector": "silero-vad", "margin_s": 0.5}}
    made = Node(folder, [source], analyzer=analyzer, log={"level": "debug"})
    made.home.mkdir()
    (made.home / DETECTORS).symlink_to(silero_home() / DETECTORS)
    started = made.start()
    assert started.returncode == 0, started.stdout + started.stderr
    yield made
    made.end()


def status(node: Node) -> dict[str, Any]:
    (source,) = node.health("stream_manager")["detail"]["sources"]
    return dict(source["recording"])


def speech_of(path: Path) -> bool:
    """Whether somebody speaks in a file."""
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    settings = AnalyzerSettings(privacy=PrivacySettings(detector="silero-vad"))
    return any(speech_in([samples], rate_hz, settings, home=silero_home()))


def test_recordings_have_no_speech(node: Node) -> None:
    eventually(lambda: status(node)["files"] >= 5 and status(node)["muted_seconds"] > 0, within_s=60)
    recordings = sorted((node.profile.parent / "recordings").glob("pond-*.wav"))
    assert len(recordings) >= 5
    assert not [path.name for path in recordings if speech_of(path)]


def test_the_analyzers_reports_decide(node: Node) -> None:
    log = node.home / "logs" / "stream_manager.log"
    eventually(lambda: "by the analyzer's reports" in log.read_text(encoding="utf-8"), within_s=30)


def test_clips_have_no_speech_and_the_others_are_kept(node: Node) -> None:
    clips = node.profile.parent / "clips"
    eventually(lambda: len(list(clips.rglob("*.flac"))) >= 4, within_s=30)
    assert not [path.name for path in clips.rglob("*.flac") if speech_of(path)]


def test_it_says_that_privacy_is_active_and_counts(node: Node) -> None:
    assert "Privacy is active (silero-vad)" in node.run("status").stdout
    channels = {row["channel"]: row for row in node.health("analyzer")["detail"]["privacy"]["channels"]}
    assert channels["pond:out_0"]["speech_s"] > 1
    assert channels["pond:out_1"]["speech_s"] == 0
    assert channels["pond:out_1"]["dropped_clips"] > 0
