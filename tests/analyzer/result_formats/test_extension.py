"""The result format of docs/extending.md, as an installed package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analyzer.result_formats.base import FileResult, make_format
from tests.support.packages import install_package
from tests.support.reports import detection_row, file_report
from tidzam.config import result_formats
from tidzam.config.result_formats import ResultTarget
from tidzam.extensions import Registry

PAGE = Path(__file__).parents[3] / "docs" / "extending.md"


def test_the_example_writes_subtitles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = PAGE.read_text(encoding="utf-8").split("\n## A result format\n")[1].split("\n## ")[0]
    (source,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    group, point = re.findall(r"(tidzam\.\w+) =\n    (.*)\n", section)[0]
    install_package(tmp_path, monkeypatch, "subtitle_format", source, group, point)
    known = result_formats.RESULT_FORMATS
    fresh = Registry(group, known.kind, {})  # the known one has listed the installed packages already
    monkeypatch.setattr(known, "_known", {**known._known, **fresh._known})
    target = ResultTarget.parse(f"srt:{tmp_path / 'subtitles'}")
    result_format = make_format(target)
    result_format.check()
    report = file_report("in/pond.wav", [detection_row("owl", 1.0, 3.25, channel=1)], channels=2)
    result_format.write([FileResult(report, Path("site/pond.wav"))])
    text = (tmp_path / "subtitles" / "site" / "pond.srt").read_text()
    assert text == "1\n00:00:01,000 --> 00:00:03,250\nowl (1)\n\n"
