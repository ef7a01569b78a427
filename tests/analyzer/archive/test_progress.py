from __future__ import annotations

from analyzer.archive.progress import ArchiveProgress, LineDisplay


def test_a_line_every_few_seconds() -> None:
    lines: list[str] = []
    clock_s = [0.0]
    display = LineDisplay(write=lines.append, now=lambda: clock_s[0])
    for second in range(12):
        clock_s[0] = float(second)
        display.show(ArchiveProgress(second, 20, second / 20, 600.0 * second))
    assert lines == [
        "5 of 20 files, 25 %, 600 times real time",
        "10 of 20 files, 50 %, 600 times real time",
    ]


def test_a_message_cannot_drive_the_terminal() -> None:
    lines: list[str] = []
    LineDisplay(write=lines.append).say("a\x1b[31m.wav holds no audio")
    assert lines == [r"analyzer: a\x1b[31m.wav holds no audio"]
