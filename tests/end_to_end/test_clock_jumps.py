"""The clock of a running node is set forward by an hour, then back by two: nothing ends, and nothing is lost."""

from __future__ import annotations

import re
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.support.clock_shift import ShiftedClock
from tests.support.eventually import eventually
from tests.support.node import Node
from tests.support.sound import BASE_HZ, loudest_hz, write_tones
from tidzam.gaps import Gap
from tidzam.gaps.day_files import read_day
from tidzam.gaps.report import read_report, recorded_days
from tidzam.naming import parse_clip_name, port_name
from tidzam.paths import GAPS

pytestmark = pytest.mark.timeout(120)

HOUR_S = 3600
JUMPS_S = (HOUR_S, -2 * HOUR_S)
SOURCES = {"pond": "mpv", "lake": "feeder"}
"""The sources, each with another player."""
LIMIT_S = 90.0
"""More than all of this takes, and far less than the clock is set by."""
SOUND_S = 1.5
"""For how long each source is recorded at least before the clock is set again."""


@dataclass
class Session:
    """A node whose clock is set while it runs. `before` and `after` are its status at the beginning and at the end.

    `times` is what its clock showed when it started, and each time after it was set. It runs for at most `ran_s`
    seconds, of which its sources have been recorded for at least `recorded_s`. `heard` is how each mount begins then.
    """

    node: Node
    clock: ShiftedClock
    recordings: Path
    times: list[datetime] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    heard: dict[str, bytes] = field(default_factory=dict)
    recorded_s: float = 0.0
    ran_s: float = 0.0

    def files(self, source: str) -> list[Path]:
        """The complete recordings of a source in the order in which they were written, by the machine's own clock."""
        return sorted(self.recordings.glob(f"{source}-*"), key=lambda path: path.stat().st_mtime)

    @property
    def gaps(self) -> Path:
        return self.node.home / GAPS

    def run(self) -> None:
        """Set the clock by each of JUMPS_S, and stop the node."""
        self.until_recorded(0)
        self.before, began_s = self.node.status(), time.monotonic()
        for number, jump_s in enumerate(JUMPS_S):
            self.clock.set_by(jump_s)
            self.times.append(self.clock.now())
            self.until_recorded(number + 1)
        eventually(self.node.is_well, what=lambda: str(self.node.health("stream_manager")))
        self.after, self.recorded_s = self.node.status(), time.monotonic() - began_s
        for mount in (mount for source in self.after["sources"] for mount in source["mounts"]):
            with urllib.request.urlopen(mount, timeout=10) as sound:
                self.heard[mount] = sound.read(4)

    def until_recorded(self, files: int) -> None:
        """Wait until as many recordings of each source are complete, and SOUND_S of the next one is there."""
        for name in SOURCES:
            eventually(partial(self._is_recorded, name, files), what=lambda: str(self.node.health("stream_manager")))
        before = {name: self._recorded_s(name) for name in SOURCES}
        eventually(lambda: all(self._recorded_s(name) >= before[name] + SOUND_S for name in SOURCES))

    def _is_recorded(self, name: str, files: int) -> bool:
        sources = self.node.health("stream_manager").get("detail", {}).get("sources", ())
        recording = next((source["recording"] for source in sources if source["name"] == name), None)
        return bool(recording and recording["state"] == "recording" and recording["files"] == files)

    def _recorded_s(self, name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.node.ports['stream_manager']}/metrics") as answer:
            metrics = answer.read().decode()
        found = re.search(rf'^tidzam_recorded_seconds_total{{source="{name}"}} (\S+)$', metrics, re.MULTILINE)
        return float(found[1]) if found else 0.0


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("clock")
    recordings = folder / "recordings"
    sources = [
        {
            "name": name,
            "url": str(write_tones(folder / f"{name}.flac", 1, seconds=1)),
            "loop": True,
            "player": player,
            "mounts": "always",
            "record": {"path": str(recordings), "format": "flac", "length_s": HOUR_S},
        }
        for name, player in SOURCES.items()
    ]
    clock = ShiftedClock(folder)
    node = Node(folder, sources, env=clock.env)
    session, began_s = Session(node, clock, recordings, times=[datetime.now(UTC)]), time.monotonic()
    started = node.start()
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        session.run()
    finally:
        node.stop()
    session.ran_s = time.monotonic() - began_s
    return session


def processes(status: dict[str, Any]) -> dict[str, int]:
    """The pids of all programs, players and recorders.

    Without ffmpeg: another one encodes the next recording, and the one that encodes for Icecast waits for JACK by the
    time of day, so that it is replaced when the clock is set.
    """
    pids: dict[str, int] = {}
    for row in status["processes"]:
        pids.setdefault(row["name"], row["pid"])  # a child of a process has the same name, and comes later
    return {name: pid for name, pid in pids.items() if "ffmpeg" not in name}


def test_no_program_player_or_recorder_is_replaced(session: Session) -> None:
    assert processes(session.after) == processes(session.before)


def test_the_sources_play_on(session: Session) -> None:
    playing = {source["name"]: (source["state"], source["restarts"]) for source in session.after["sources"]}
    assert playing == dict.fromkeys(SOURCES, ("playing", 0))


def test_the_mounts_are_served(session: Session) -> None:
    assert list(session.heard.values()) == [b"OggS"] * len(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_a_recording_begins_whenever_the_clock_is_set_and_is_named_after_it(session: Session, name: str) -> None:
    named = [parse_clip_name(path) for path in session.files(name)]
    late_s = [(found.time - time).total_seconds() for found, time in zip(named, session.times, strict=True) if found]
    assert len(late_s) == len(session.times)
    assert all(-2.0 < seconds < LIMIT_S for seconds in late_s), late_s


@pytest.mark.parametrize("name", SOURCES)
def test_each_recording_has_the_sound_of_its_time_and_no_more(session: Session, name: str) -> None:
    for path in session.files(name):
        sound, rate_hz = soundfile.read(path, dtype="float32")
        assert loudest_hz(sound[-rate_hz // 2 :], rate_hz) == BASE_HZ
        assert SOUND_S <= len(sound) / rate_hz < LIMIT_S


def test_no_recording_is_left_incomplete_or_set_aside(session: Session) -> None:
    complete = {path for name in SOURCES for path in session.files(name)}
    others = {path.name for path in session.recordings.rglob("*") if path not in complete}
    assert others == {f".{name}.lock" for name in SOURCES}


def test_the_ledger_has_no_gap_as_long_as_the_clock_was_set_by(session: Session) -> None:
    days = [read_day(session.gaps, day) for day in recorded_days(session.gaps)]
    assert not any(day.damaged for day in days)
    gaps = [record for day in days for record in day.records if isinstance(record, Gap)]
    assert [gap for gap in gaps if not 0 < gap.seconds < LIMIT_S] == []


@pytest.mark.parametrize("name", SOURCES)
def test_what_was_truly_heard_is_what_has_passed(session: Session, name: str) -> None:
    reports = [read_report(session.gaps, day, session.clock.now()) for day in recorded_days(session.gaps)]
    rows = [row for report in reports for row in report.channels if row.channel == port_name(name, 0)]
    assert 0.8 * session.recorded_s < sum(row.heard_s for row in rows) <= session.ran_s
