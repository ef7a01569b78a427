"""The inference in processes that a test kills: they are forked from one that has imported everything, which takes a
second otherwise."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

from tidzam.config import Settings
from tidzam.config.edge import EdgeSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.config.sinks import JsonLinesSinkSettings
from tidzam.naming import recording_stem

ROOT: Final = Path(__file__).parents[2]
START: Final = datetime(2026, 5, 1, 6, tzinfo=UTC)
JSON_LINES: Final = "found.jsonl"
"""The file of a sink that receives the detections."""
STEPS: Final = frozenset({"execute", "executemany", "pwrite", "fsync", "ftruncate", "rename", "unlink"})
"""The functions around which a process can be killed: all that change something on disk."""


def name_of(number: int) -> str:
    """The file name of the recording of a minute."""
    return f"{recording_stem('pond', START + timedelta(minutes=number))}.wav"


def settings_of(folder: Path, nn: Path, **edge: Any) -> Settings:
    """The settings of an edge node whose home and files are in `folder`."""
    places = {"folder": folder / "audio", "csv": folder / "detections.csv", **edge}
    return Settings(home=folder, edge=EdgeSettings(**places), analyzer=AnalyzerSettings(nn=nn))


def program(words: Sequence[str], log: str) -> int:
    """Run the command line of the inference with its output in the file `log`, and its exit code in `log`.code."""
    from analyzer.inbox import __main__ as inbox

    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    sys.argv = ["inference", *words]
    code: object = 0
    try:
        inbox.main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stderr.flush()
        Path(f"{log}.code").write_text(str(code))
    return 0


class InboxRun:
    """A forked process. `wait` returns whether it has ended."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        signal.pidfd_send_signal(self._descriptor, number)

    def wait(self, timeout_s: float) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], timeout_s)
        return bool(ready)

    def close(self) -> None:
        os.close(self._descriptor)


class InboxTemplate:
    """The process that is forked. It waits for a line before each child begins, so that none escapes a kill."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @contextmanager
    def run(self, work: str, **arguments: Any) -> Iterator[InboxRun]:
        """A child that calls the function `work` of this module; it is killed at the end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([work, arguments], default=str), file=self._process.stdin, flush=True)
        child = InboxRun(int(self._process.stdout.readline()))
        print(file=self._process.stdin, flush=True)
        try:
            yield child
        finally:
            child.kill()
            child.wait(20)
            child.close()


@contextmanager
def inbox_template(nn: Path) -> Iterator[InboxTemplate]:
    """A template that has loaded the bundles in `nn`; it ends at the end."""
    argv = [sys.executable, "-m", "tests.support.inbox", str(nn)]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield InboxTemplate(process)
        finally:
            process.terminate()


def inference(folder: str, nn: str) -> int:
    """Analyze all files in the folder of a node, as its program does, with a sink."""
    from analyzer.inbox.app import InboxOptions, run_inbox

    settings = settings_of(Path(folder), Path(nn))
    sinks = (JsonLinesSinkSettings(path=Path(folder) / JSON_LINES),)
    analyzer = settings.analyzer.model_copy(update={"sinks": sinks})
    return run_inbox(InboxOptions(settings=settings.model_copy(update={"analyzer": analyzer}), once=True))


def work(folder: str, nn: str, kill_at: int) -> int:
    """Analyze all files in the folder of a node. The process is killed at its step `kill_at`, counted from 1."""
    _kill_at(kill_at)
    work_off(Path(folder), settings_of(Path(folder), Path(nn)))
    return 0


def work_off(folder: Path, settings: Settings) -> None:
    """Analyze all files in the folder of a node, in this process and without anything around it."""
    from analyzer.archive.job import FileJob
    from analyzer.inbox.folder import WaitingFile, WaitingFiles
    from analyzer.inbox.journal import InboxJournal
    from analyzer.inbox.work import InboxWork
    from tidzam.audio.recording_time import TimeRules

    def job(file: WaitingFile) -> FileJob:
        return FileJob(number=0, path=file.path, source=file.source, settings=settings.analyzer, node="node")

    with InboxJournal(folder / "inference.journal") as journal:
        inbox = InboxWork(settings.edge, journal, job)
        inbox.recover()
        for file in WaitingFiles(inbox.folders.to_parse, TimeRules()).scan():
            inbox.process(file)


def arrivals(folder: str) -> int:
    """Move files as a recorder does: from `staged` to `audio-temp`, and from there, complete, to `audio-to-parse`."""
    staged, temp, target = (Path(folder) / name for name in ("staged", "audio/audio-temp", "audio/audio-to-parse"))
    for source, to in ((temp, target), (staged, temp)):
        for path in sorted(source.iterdir()):
            moved = path.rename(to / path.name)
            if to == temp:
                moved.rename(target / path.name)
    return 0


def _kill_at(step: int) -> None:
    """Kill this process before the call of the `step`-th function of STEPS by the inbox."""
    count = 0

    def follow(frame: FrameType, event: str, function: Any) -> None:
        nonlocal count
        if event == "c_call" and function.__name__ in STEPS and "/analyzer/inbox/" in frame.f_code.co_filename:
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(follow)


WORK: Final[Mapping[str, Any]] = {"inference": inference, "work": work, "arrivals": arrivals, "program": program}


def _serve(nn: Path) -> None:
    """Import everything and load the bundles, then fork a child per request."""
    for module in ("analyzer.inbox.app", "analyzer.inbox.command", "onnxruntime", "scipy.fft", "scipy.sparse"):
        import_module(module)
    from analyzer.archive.job import FileJob, loaded_pipeline

    settings = settings_of(Path(), nn).analyzer
    loaded_pipeline(FileJob(number=0, path=Path(), source="", settings=settings, node=""))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while line := sys.stdin.readline():
        work, arguments = json.loads(line)
        ready, go = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(go)
            os.read(ready, 1)
            _run(work, arguments)
        print(pid, flush=True)
        sys.stdin.readline()
        os.close(ready)
        os.close(go)


def _run(work: str, arguments: Mapping[str, Any]) -> NoReturn:
    """In a child: do the work and exit."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 70
    try:
        code = WORK[work](**arguments)
    except Exception:  # noqa: BLE001  it must not return into the loop of the parent
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
