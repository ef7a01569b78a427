"""jackd's messages, which repeat themselves, on their way into a log that stays short."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tidzam.node.jackd_log import FoldingLog
from tidzam.node.log_deduplication import MOST_MESSAGES, PERIOD_S, LogDeduplicator

LATE = "JackEngine::XRun: client = pond was not finished, state = Triggered"
ERROR = "JackAudioDriver::ProcessGraphAsyncMaster: Process error"


def test_ten_minutes_of_a_late_client_are_a_few_lines_with_a_count() -> None:
    log, written = LogDeduplicator(), list[str]()
    cycles = 600 * 21
    for cycle in range(cycles):
        for line in (LATE, ERROR):
            written += log.pass_on(line, cycle / 21)
    written += log.due(10_000.0)
    assert len(written) <= 4 * 600 / PERIOD_S
    assert written[:2] == [LATE, ERROR]
    counted = sum(int(line.split("(repeated ")[1].split()[0]) + 1 if "(repeated" in line else 0 for line in written)
    assert counted == 2 * cycles


def test_a_new_fault_is_written_at_once_however_much_is_folded() -> None:
    log = LogDeduplicator()
    for cycle in range(100):
        log.pass_on(LATE, cycle / 21)
    assert log.pass_on("Cannot open driver", 5.0) == ["Cannot open driver"]
    assert log.pass_on(LATE.replace("pond", "creek"), 5.0) == [LATE.replace("pond", "creek")]


def test_messages_that_differ_by_a_number_are_one_kind() -> None:
    log = LogDeduplicator()
    assert log.pass_on("Cannot write socket fd = 20", 0.0) == ["Cannot write socket fd = 20"]
    assert log.pass_on("Cannot write socket fd = 17", 1.0) == []
    assert log.due(PERIOD_S) == ["Cannot write socket fd = 17 (repeated 1 times within 60 s)"]


def test_memory_is_bounded_for_any_messages() -> None:
    log = LogDeduplicator()
    for number in range(10 * MOST_MESSAGES):
        log.pass_on("x" * number, 0.0)
    assert len(log.due(PERIOD_S)) <= MOST_MESSAGES


@pytest.mark.timeout(60)
def test_a_program_is_not_blocked_by_a_log_without_a_reader(tmp_path: Path) -> None:
    fifo, log = tmp_path / "fifo", tmp_path / "p.log"
    program = f"import os\nfor n in range(5000):\n try: os.write(1, b'{LATE}\\n')\n except BlockingIOError: pass"
    argv = [sys.executable, "-P", "-m", "tidzam.node.jackd_log", str(fifo), sys.executable, "-c", program]
    subprocess.run(argv, timeout=30, check=True)  # more than a FIFO holds
    FoldingLog(fifo, log).start()
    subprocess.run([*argv[:-1], f"import os; os.write(2, b'{ERROR}\\n')"], timeout=30, check=True)
    eventually(lambda: log.is_file() and ERROR in log.read_text(), within_s=10, what="the message")
    assert log.read_text().count(ERROR) == 1
    assert fifo.stat().st_mode & 0o077 == 0
