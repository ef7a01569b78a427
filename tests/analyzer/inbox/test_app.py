"""The inference as a process: it sees files at once, stops cleanly, and says what it does."""

from __future__ import annotations

import csv
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path

import pytest
import soundfile
import yaml

from tests.support.eventually import eventually
from tests.support.inbox import InboxRun, InboxTemplate, name_of
from tests.support.sound import tone
from tidzam.inbox_status import InboxStatus

pytestmark = pytest.mark.timeout(120)

RATE_HZ = 22050
WITHIN_S = 60.0


def profile(home: Path, nn: Path, *, sinks: object = (), check_every_s: int = 3600) -> Path:
    """The profile of an edge node that finds files only because it is notified of them."""
    path = home / "profile.yaml"
    values = {
        "home": str(home),
        "edge": {"enabled": True, "folder": str(home / "audio"), "check_every_s": check_every_s},
        "analyzer": {"nn": str(nn), "sinks": sinks},
    }
    path.write_text(yaml.safe_dump(values))
    return path


class Program:
    """The inference while it runs, forked from one that has imported everything."""

    def __init__(self, run: InboxRun, log: Path) -> None:
        self.run, self._log = run, log

    def ended(self) -> tuple[int, str]:
        """Its exit code, and its log."""
        assert self.run.wait(WITHIN_S)
        return int(Path(f"{self._log}.code").read_text()), self._log.read_text()


Inference = Callable[..., AbstractContextManager[Program]]


@pytest.fixture
def inference(template: InboxTemplate, tmp_path: Path) -> Inference:
    """Run the program with some words on its command line; it is killed at the end."""
    numbers = count()

    @contextmanager
    def run(*words: object) -> Iterator[Program]:
        log = tmp_path / f"{next(numbers)}.log"
        with template.run("program", words=[str(word) for word in words], log=log) as forked:
            yield Program(forked, log)

    return run


def arrive(home: Path, number: int, *, hz: float = 2000.0) -> Path:
    """A recording is completed, and moved to where it waits."""
    temp, target = (home / "audio" / name for name in ("audio-temp", "audio-to-parse"))
    for folder in (temp, target):
        folder.mkdir(parents=True, exist_ok=True)
    path = temp / name_of(number)
    soundfile.write(path, tone(*([hz] if hz else []), rate_hz=RATE_HZ, amplitude=0.9), RATE_HZ, subtype="PCM_16")
    return path.rename(target / path.name)


def status_is(home: Path, condition: Callable[[InboxStatus], object]) -> None:
    """Wait until the status in the home meets a condition."""

    def met() -> bool:
        status = InboxStatus.read(home)
        return status is not None and bool(condition(status))

    eventually(met, within_s=WITHIN_S, what=lambda: f"a state unlike {InboxStatus.read(home)}")


def rows(home: Path) -> list[str]:
    (path,) = home.glob("detections-*.csv")
    with path.open(newline="") as file:
        return [row["file"] for row in csv.DictReader(file)]


def test_files_are_analyzed_as_they_arrive_and_a_stop_is_clean(tmp_path: Path, nn: Path, inference: Inference) -> None:
    sinks = [{"type": "jsonl", "path": str(tmp_path / "found.jsonl")}]
    with inference("--profile", profile(tmp_path, nn, sinks=sinks)) as process:
        status_is(tmp_path, lambda status: status.state == "waiting")
        first = arrive(tmp_path, 0)
        status_is(tmp_path, lambda status: status.analyzed == 1 and status.state == "waiting")
        second = arrive(tmp_path, 1, hz=0)
        status_is(tmp_path, lambda status: status.analyzed == 2 and status.sinks["jsonl"].waiting == 0)
        assert (tmp_path / "inference.beat").exists()
        process.run.send(signal.SIGTERM)
        code, log = process.ended()
    assert (code, first.exists(), second.exists()) == (0, False, False)
    assert f"{name_of(0)}: 1.0 s of audio, 1 detection\n" in log
    status = InboxStatus.read(tmp_path)
    assert status is not None
    assert (status.state, status.with_detections, status.detections, status.fault) == ("stopped", 1, 1, None)
    assert rows(tmp_path) == [name_of(0)]
    assert len((tmp_path / "found.jsonl").read_text().splitlines()) == 1


def test_once_works_off_what_is_there_and_tells_what_it_could_not(
    tmp_path: Path, nn: Path, inference: Inference
) -> None:
    arrive(tmp_path, 1)
    arrive(tmp_path, 2).write_text("no sound")
    arrive(tmp_path, 0)
    with inference("--profile", profile(tmp_path, nn), "--once") as process:
        code, log = process.ended()
    assert code == 1
    assert f"{name_of(2)} is rejected" in log
    assert rows(tmp_path) == [name_of(0), name_of(1)]


def test_a_sink_that_fails_delays_no_file_and_receives_everything_later(
    tmp_path: Path, nn: Path, inference: Inference
) -> None:
    blocked = tmp_path / "found.jsonl"
    blocked.mkdir()
    sinks = [{"type": "jsonl", "path": str(blocked)}]
    for number in range(2):
        arrive(tmp_path, number)
    with inference("--profile", profile(tmp_path, nn, sinks=sinks)) as process:
        status_is(tmp_path, lambda status: status.analyzed == 2 and status.sinks["jsonl"].waiting == 2)
        status = InboxStatus.read(tmp_path)
        assert status is not None
        assert "found.jsonl cannot be written" in (status.sinks["jsonl"].fault or "")
        process.run.kill()
    blocked.rmdir()
    with inference("--profile", tmp_path / "profile.yaml", "--once") as process:
        assert process.ended()[0] == 0
    assert len(blocked.read_text().splitlines()) == 2


def test_the_folder_by_hand_holds_everything(tmp_path: Path, inference: Inference) -> None:
    (tmp_path / "audio-to-parse").mkdir()
    with inference("--folder", tmp_path, "--once") as process:
        assert process.ended()[0] == 0
    status = InboxStatus.read(tmp_path)
    assert status is not None
    assert status.state == "stopped"


def test_a_second_inference_does_not_start(tmp_path: Path, nn: Path, inference: Inference) -> None:
    with inference("--profile", profile(tmp_path, nn)):
        status_is(tmp_path, lambda status: status.state == "waiting")
        with inference("--profile", tmp_path / "profile.yaml") as second:
            code, log = second.ended()
    assert code == 1
    assert "Another process uses" in log


def test_a_second_inference_of_the_folder_does_not_start_either(tmp_path: Path, nn: Path, inference: Inference) -> None:
    """Such as one that is started by hand, whose home, and journal, is another one."""
    with inference("--profile", profile(tmp_path, nn)):
        status_is(tmp_path, lambda status: status.state == "waiting")
        with inference("--folder", tmp_path / "audio", "--once") as second:
            code, log = second.ended()
    assert code == 1
    assert f"Another process uses {tmp_path / 'audio'}" in log


def test_once_tells_what_is_still_being_written(tmp_path: Path, nn: Path, inference: Inference) -> None:
    arrive(tmp_path, 0)
    with (
        arrive(tmp_path, 1).open("ab"),
        inference("--profile", profile(tmp_path, nn), "--once") as process,
    ):
        code, log = process.ended()
    assert code == 1
    assert f"{name_of(1)} is left: it is still being written" in log
    assert rows(tmp_path) == [name_of(0)]


def test_a_hangup_loads_the_classifiers_again(tmp_path: Path, nn: Path, inference: Inference) -> None:
    with inference("--profile", profile(tmp_path, nn)) as process:
        status_is(tmp_path, lambda status: status.state == "waiting")
        process.run.send(signal.SIGHUP)
        arrive(tmp_path, 0)
        status_is(tmp_path, lambda status: status.analyzed == 1)
        process.run.send(signal.SIGTERM)
        code, log = process.ended()
    assert code == 0
    assert "loaded again: classifiers selector" in log


def test_it_does_not_begin_without_classifiers(tmp_path: Path, inference: Inference) -> None:
    with inference("--profile", profile(tmp_path, tmp_path / "none")) as process:
        code, log = process.ended()
    assert code == 1
    assert "none" in log


@pytest.mark.parametrize("words", [(), ("--once",)])
def test_a_folder_or_a_profile_is_needed(words: tuple[str, ...], inference: Inference) -> None:
    with inference(*words) as process:
        code, log = process.ended()
    assert code == 2
    assert "--profile" in log
