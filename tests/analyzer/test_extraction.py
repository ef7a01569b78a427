"""Which windows become clips, and what happens when they cannot be written."""

import errno
import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from analyzer.extraction import Extractor, keep_probability, rules_of
from tests.support.sound import tone
from tidzam.atomic import write_atomically
from tidzam.config.sinks import ClipRule
from tidzam.errors import TidzamError
from tidzam.labels import UNKNOWN, LabelTree
from tidzam.naming import ClipName, clip_stem, parse_clip_name
from tidzam.results import Analysis, WindowBatch

TREE = LabelTree({"birds": None, "birds-owl": "birds", "birds-wren": "birds", "rain": None})
RATE_HZ = 8000
EVERYTHING = rules_of(dynamic=False)


def heard(second: int, *results: str) -> tuple[WindowBatch, tuple[Analysis, ...]]:
    """One window of as many channels as there are results; channel k holds a tone of 100 (k + 1) Hz."""
    start = datetime(2026, 5, 1, 6, 30, tzinfo=UTC) + timedelta(seconds=second)
    channels = tuple(f"pond:out_{k}" for k in range(len(results)))
    samples = np.stack([tone(100.0 * (k + 1), rate_hz=RATE_HZ) for k in range(len(results))])
    analyses = tuple(
        Analysis(
            channel=channel,
            start=start,
            end=start + timedelta(seconds=1),
            start_frame=second * RATE_HZ,
            result=(result,),
            probabilities={result: 0.9},
            level_dbfs=-20.0,
            gap_frames=0,
        )
        for channel, result in zip(channels, results, strict=True)
    )
    return WindowBatch(
        channels, samples, RATE_HZ, second * RATE_HZ, (start,) * len(results), (0,) * len(results)
    ), analyses


def take(extractor: Extractor, batch: WindowBatch, analyses: tuple[Analysis, ...]) -> list[Path]:
    return extractor.write(batch, extractor.choose(analyses))


def test_the_command_lines_rule() -> None:
    (rule,) = rules_of(classes=["unknown", "birds-"], channels=["1"])
    assert rule.rate == "auto"
    assert rule.covers("pond:out_1", "birds-owl")
    assert rule.covers("pond:out_1", UNKNOWN)
    assert not rule.covers("pond:out_11", "birds-owl")
    assert not rule.covers("pond:out_1", "rain")


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 1000)))
def test_the_rarer_the_likelier(counts: dict[str, int]) -> None:
    kept = {label: keep_probability(counts, label, "abcd") for label in "abcd"}
    assert all(0 < probability <= 1 for probability in kept.values())
    by_count = sorted("abcd", key=lambda label: counts.get(label, 0))
    assert [kept[label] for label in by_count] == sorted(kept.values(), reverse=True)
    assert kept[by_count[0]] == 1


def test_clips_are_the_windows(tmp_path: Path) -> None:
    batch, analyses = heard(1, "birds-owl", "rain")
    written = take(Extractor(tmp_path, EVERYTHING, TREE), batch, analyses)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "birds-owl/pond-out_0-2026-05-01-06-30-01.000.wav",
        "rain/pond-out_1-2026-05-01-06-30-01.000.wav",
    ]
    for path, samples in zip(written, batch.samples, strict=True):
        found, rate_hz = soundfile.read(path, dtype="float32")
        assert rate_hz == RATE_HZ
        np.testing.assert_allclose(found, samples, atol=2**-15)


def test_existing_clips_count_in_any_format(tmp_path: Path) -> None:
    take(Extractor(tmp_path, EVERYTHING, TREE, clip_format="flac"), *heard(1, "rain"))
    again = Extractor(tmp_path, EVERYTHING, TREE)
    take(again, *heard(2, "rain"))
    assert again.counts == {"rain": 2}


def test_only_windows_covered_by_a_rule_are_kept(tmp_path: Path) -> None:
    extractor = Extractor(tmp_path, rules_of(classes=["birds"], dynamic=False, channels=["0"]), TREE)
    take(extractor, *heard(1, "rain", "birds-owl"))
    assert extractor.counts == {}
    extractor.rules = EVERYTHING
    take(extractor, *heard(2, UNKNOWN, "birds-owl"))
    assert extractor.counts == {UNKNOWN: 1, "birds-owl": 1}


def test_the_first_rule_that_covers_decides(tmp_path: Path) -> None:
    never, always = ClipRule(classes=("rain",), rate=0.0), ClipRule(classes=("*",), rate=1.0)
    extractor = Extractor(tmp_path, (never, always), TREE)
    take(extractor, *heard(1, "rain", "birds"))
    assert extractor.counts == {"birds": 1}


def test_of_a_common_class_fewer_are_kept(tmp_path: Path) -> None:
    extractor = Extractor(tmp_path, rules_of(), TREE)
    for second in range(200):
        take(extractor, *heard(second, "birds-owl" if second % 20 else "birds-wren"))
    counts = Counter(extractor.counts)
    assert counts["birds-wren"] == 10
    assert 80 < counts["birds-owl"] < 130


def test_a_full_disk_costs_that_clip_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extractor = Extractor(tmp_path, EVERYTHING, TREE)
    batch, analyses = heard(1, "rain", "birds")

    def write(path: Path, content: memoryview) -> None:
        if path.parent.name == "rain":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_atomically(path, content)

    with monkeypatch.context() as full, pytest.raises(TidzamError, match=r"1 clips cannot be written .* No space left"):
        full.setattr("analyzer.extraction.write_atomically", write)
        take(extractor, batch, analyses)
    assert extractor.counts == {"birds": 1}
    assert list((tmp_path / "rain").iterdir()) == []
    assert len(take(extractor, *heard(3, "rain"))) == 1


@given(
    st.from_regex(r"[A-Za-z0-9_.-]{1,40}", fullmatch=True),
    st.integers(0, 255),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)
def test_the_name_of_a_clip_holds_its_source_channel_and_time(source: str, channel: int, time: datetime) -> None:
    path = Path(clip_stem(f"{source}:out_{channel}", time) + ".wav")
    milliseconds = time.microsecond // 1000
    assert parse_clip_name(path) == ClipName(source, channel, time.replace(microsecond=milliseconds * 1000))


def test_the_name_of_a_foreign_ports_clip_suits_a_file() -> None:
    stem = clip_stem("a/b c:capture_1", datetime(2026, 5, 1, tzinfo=UTC))
    assert stem == "a-b-c-capture_1-2026-05-01-00-00-00.000"
