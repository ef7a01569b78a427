"""Clips from windows to files: which are kept, what is in them, and what happens when they cannot be written."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from analyzer.clips.clip_file import read_tags
from analyzer.clips.extractor import Extractor
from analyzer.clips.rates import AutoRates, keep_probability
from analyzer.clips.rules import rules_of
from analyzer.clips.store import ClipStore
from tests.support.sound import tone
from tidzam.atomic import write_atomically
from tidzam.config.clips import ClipBudget, ClipRule
from tidzam.config.sinks import ClipSinkSettings
from tidzam.errors import TidzamError
from tidzam.inference.tracker import DetectionTracker
from tidzam.labels import UNKNOWN, LabelTree
from tidzam.naming import ClipName, clip_stem, parse_clip_name, port_name, recording_source
from tidzam.results import Analysis, AnalyzedBatch, WindowBatch

TREE = LabelTree({"birds": None, "birds-owl": "birds", "birds-wren": "birds", "rain": None})
RATE_HZ = 8000
START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
EVERYTHING = rules_of(dynamic=False)


def heard(second: int, *results: str) -> tuple[WindowBatch, tuple[Analysis, ...]]:
    """One window of as many channels as there are results; channel k holds a tone of 100 (k + 1) Hz."""
    start = START + timedelta(seconds=second)
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


class Keeper:
    """An extractor and the folder that its clips are written to."""

    def __init__(self, folder: Path, rules: Sequence[ClipRule] = EVERYTHING, **settings: Any) -> None:
        given = ClipSinkSettings(folder=folder, rules=tuple(rules), **settings)
        self.extractor = Extractor(given, labels=TREE, node="garden", bundles={"selector": "0123456789ab"})
        self._store = ClipStore(given)
        self._tracker = DetectionTracker(TREE, node="garden")
        self.extractor.counts = self._store.counts

    @property
    def counts(self) -> dict[str, int]:
        return dict(self._store.counts)

    def take(self, batch: WindowBatch, analyses: tuple[Analysis, ...]) -> list[Path]:
        """The next windows; returns the clips that are complete."""
        return self._take(self._tracker.follow(batch, analyses))[1]

    def _take(self, analyzed: AnalyzedBatch) -> tuple[AnalyzedBatch, list[Path]]:
        marked = self.extractor.mark(analyzed)
        try:
            return marked, self._store.write(self.extractor.cut(marked))
        finally:
            self.extractor.counts = self._store.counts

    def named(self, batch: WindowBatch, analyses: tuple[Analysis, ...]) -> dict[str, str | None]:
        """The next windows; returns the clip of each detection that changes, by its kind of change and class."""
        marked, _ = self._take(self._tracker.follow(batch, analyses))
        return {f"{one.kind} {one.detection.label}": one.detection.clip for one in marked.detections}

    def finish(self) -> list[Path]:
        return self._store.write(self.extractor.finish())


def test_the_command_lines_rule() -> None:
    (rule,) = rules_of(classes=["unknown", "birds-"], channels=["1"])
    assert rule.rate == "auto"
    assert rule.covers("pond:out_1", "birds-owl")
    assert rule.covers("pond:out_1", UNKNOWN)
    assert not rule.covers("pond:out_11", "birds-owl")
    assert not rule.covers("pond:out_1", "rain")


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 1000)))
def test_the_rarer_the_likelier(counts: dict[str, int]) -> None:
    rates = AutoRates(LabelTree.flat(tuple("abcd"), parent="letter"))
    rates.counts = counts
    kept = {label: rates.rate(label, {}) for label in "abcd"}
    assert all(0 < probability <= 1 for probability in kept.values())
    by_count = sorted("abcd", key=lambda label: counts.get(label, 0))
    assert [kept[label] for label in by_count] == sorted(kept.values(), reverse=True)
    assert kept[by_count[0]] == 1


def test_the_rate_compares_a_class_with_its_mean_sibling() -> None:
    assert keep_probability(own=19, total=20, classes=4) == (5 + 1) / (19 + 1)


def test_the_rate_counts_what_is_planned() -> None:
    rates = AutoRates(TREE)
    rates.counts = {"birds-owl": 3, "rain": 1000}
    assert rates.rate("birds-owl", {"birds-owl": 2, "birds-wren": 1, "rain": 9}) == keep_probability(5, 6, 2)


def test_beside_the_roots_there_is_unknown() -> None:
    assert AutoRates(TREE).siblings(UNKNOWN) == {"birds", "rain", UNKNOWN}


def test_a_clip_of_nothing_known_has_the_probability_of_the_remainder(tmp_path: Path) -> None:
    batch, (analysis,) = heard(0, UNKNOWN)
    keeper = Keeper(tmp_path)
    keeper.take(batch, (replace(analysis, probabilities={"birds": 0.2}, remainders={UNKNOWN: 0.75}),))
    (path,) = keeper.finish()
    assert read_tags(path)["probability"] == 0.75


def test_clips_are_the_windows(tmp_path: Path) -> None:
    batch, analyses = heard(1, "birds-owl", "rain")
    keeper = Keeper(tmp_path)
    keeper.take(batch, analyses)
    written = keeper.finish()
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "birds-owl/pond-out_0_2026-05-01-06-30-01.000.flac",
        "rain/pond-out_1_2026-05-01-06-30-01.000.flac",
    ]
    for path, samples in zip(written, batch.samples, strict=True):
        found, rate_hz = soundfile.read(path, dtype="float32")
        assert rate_hz == RATE_HZ
        np.testing.assert_allclose(found, samples, atol=2**-15)


def test_a_clip_is_the_audio_to_the_sample_across_windows_that_overlap(tmp_path: Path) -> None:
    sound = np.random.default_rng(3).uniform(-0.5, 0.5, 6 * RATE_HZ).astype(np.float32)
    keeper = Keeper(tmp_path, [ClipRule(classes=("rain",), rate=1.0, pre_s=1.3, length_s=3.7)])
    for quarter in range(20):
        start, time = quarter * RATE_HZ // 4, START + timedelta(seconds=quarter / 4)
        label = "rain" if quarter == 8 else "birds"
        batch = WindowBatch(("pond:out_0",), sound[None, start : start + RATE_HZ], RATE_HZ, start, (time,), (0,))
        keeper.take(batch, (Analysis("pond:out_0", time, time, start, (label,), {label: 0.9}, -20.0, 0, RATE_HZ),))
    (path,) = (tmp_path / "rain").iterdir()
    assert path.name == "pond-out_0_2026-05-01-06-30-00.700.flac"
    found, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_allclose(found, sound[5600 : 5600 + 29600], atol=2**-15)


def test_a_pre_roll_that_is_set_later_reaches_back_to_then(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, [ClipRule(rate=0.0)])
    for second in range(6):
        if second == 3:
            keeper.extractor.rules = [ClipRule(classes=("rain",), rate=1.0, pre_s=4.0)]
        keeper.take(*heard(second, "rain" if second == 5 else "birds"))
    (path,) = keeper.finish()
    assert soundfile.info(path).duration == 3.0


def test_of_two_classes_in_a_window_the_rarer_one_names_the_clip(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    for second in range(2):
        batch, (analysis,) = heard(second, "rain")
        both = {"rain": 0.9, "birds": 0.8}
        keeper.take(batch, (replace(analysis, result=tuple(both), probabilities=both),))
    keeper.finish()
    assert keeper.counts == {"rain": 1, "birds": 1}


def test_overlapping_detections_of_two_classes_share_a_clip(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, [ClipRule(rate=1.0, length_s=4.0)])
    for second, label in enumerate(["birds-owl", "birds-owl", "rain", "rain", "unknown"]):
        keeper.take(*heard(second, label))
    keeper.finish()
    assert keeper.counts == {"birds-owl": 1, "unknown": 1}


def test_tags_say_what_a_clip_is(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, [ClipRule(classes=("rain",), rate=1.0)])
    keeper.take(*heard(1, "rain"))
    (path,) = keeper.finish()
    assert read_tags(path) == {
        "class": "rain",
        "probability": 0.9,
        "classes": {"rain": 0.9},
        "channel": "pond:out_0",
        "bundles": {"selector": "0123456789ab"},
        "rule": {"classes": ["rain"], "rate": 1.0},
    }


def test_a_detection_names_its_first_clip_from_its_start_to_its_end(tmp_path: Path) -> None:
    keeper, name = Keeper(tmp_path), "rain/pond-out_0_2026-05-01-06-30-00.000.flac"
    assert keeper.named(*heard(0, "rain")) == {"start rain": name}
    assert keeper.named(*heard(1, "rain")) == {"update rain": name}
    keeper.extractor.rules = [ClipRule(rate=0.0)]
    assert keeper.named(*heard(2, "birds")) == {"end rain": name, "start birds": None}
    assert (tmp_path / name).is_file()


def test_detections_that_share_a_clip_name_it(tmp_path: Path) -> None:
    keeper, name = Keeper(tmp_path, [ClipRule(rate=1.0, length_s=4.0)]), "rain/pond-out_0_2026-05-01-06-30-00.000.flac"
    keeper.take(*heard(0, "rain"))
    assert keeper.named(*heard(1, "birds")) == {"end rain": name, "start birds": name}


def test_clips_whose_audio_was_dropped_are_not_written(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, [ClipRule(rate=1.0, length_s=3.0)])
    keeper.take(*heard(0, "rain"))
    keeper.extractor.mark(DetectionTracker(TREE).follow(*heard(1, "rain")))
    keeper.take(*heard(2, "rain"))
    assert keeper.finish() == []


def test_batches_that_waited_while_the_sink_was_opened_do_no_harm(tmp_path: Path) -> None:
    keeper, first = Keeper(tmp_path), AnalyzedBatch(*heard(0, "rain"))
    second = keeper.extractor.mark(AnalyzedBatch(*heard(1, "rain")))
    assert keeper.extractor.cut(first) == []
    keeper.extractor.cut(second)
    assert [clip.path for clip in keeper.extractor.finish()] == ["rain/pond-out_0_2026-05-01-06-30-01.000.flac"]


def test_existing_clips_count_in_any_format(tmp_path: Path) -> None:
    for number, clip_format in enumerate(("flac", "wav", "opus")):
        keeper = Keeper(tmp_path, format=clip_format)
        keeper.take(*heard(number, "rain"))
        keeper.finish()
    assert Keeper(tmp_path).counts == {"rain": 3}


def test_only_windows_covered_by_a_rule_are_kept(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, rules_of(classes=["birds"], dynamic=False, channels=["0"]))
    keeper.take(*heard(1, "rain", "birds-owl"))
    keeper.extractor.rules = EVERYTHING
    keeper.take(*heard(2, UNKNOWN, "birds-owl"))
    keeper.finish()
    assert keeper.counts == {UNKNOWN: 1, "birds-owl": 1}


def test_the_first_rule_that_covers_decides(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, (ClipRule(classes=("rain",), rate=0.0), ClipRule(classes=("*",), rate=1.0)))
    keeper.take(*heard(1, "rain", "birds"))
    keeper.finish()
    assert keeper.counts == {"birds": 1}


def test_of_a_common_class_fewer_are_kept(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, rules_of())
    for second in range(200):
        keeper.take(*heard(second, "birds-owl" if second % 20 else "birds-wren"))
    keeper.finish()
    counts = Counter(keeper.counts)
    assert counts["birds-wren"] == 10
    assert 80 < counts["birds-owl"] < 130


def test_a_full_disk_costs_that_clip_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper(tmp_path)
    keeper.take(*heard(1, "rain", "birds"))

    def write(path: Path, content: memoryview) -> None:
        if path.parent.name == "rain":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_atomically(path, content)

    with monkeypatch.context() as full, pytest.raises(TidzamError, match=r"1 clip cannot be written .* No space left"):
        full.setattr("analyzer.clips.clip_file.write_atomically", write)
        keeper.finish()
    assert keeper.counts == {"birds": 1}
    assert list((tmp_path / "rain").iterdir()) == []


def test_the_budget_makes_room_for_new_clips(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, budget=ClipBudget(per_class=2))
    for second in range(4):
        keeper.take(*heard(second, "rain"))
    keeper.finish()
    assert sorted(path.name for path in (tmp_path / "rain").iterdir()) == [
        "pond-out_0_2026-05-01-06-30-02.000.flac",
        "pond-out_0_2026-05-01-06-30-03.000.flac",
    ]


def test_without_room_no_clip_is_written(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, budget=ClipBudget(free_gigabytes=1e9))
    keeper.take(*heard(1, "rain"))
    with pytest.raises(TidzamError, match="must stay free on the disk") as caught:
        keeper.finish()
    assert (caught.value.code, keeper.counts) == ("output", {})


@given(
    st.from_regex(r"[A-Za-z0-9_.-]{1,40}", fullmatch=True),
    st.integers(0, 255),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
)
def test_the_name_of_a_clip_holds_its_source_channel_and_time(source: str, channel: int, time: datetime) -> None:
    path = Path(clip_stem(f"{source}:out_{channel}", time) + ".wav")
    milliseconds = time.microsecond // 1000
    assert parse_clip_name(path) == ClipName(source, channel, time.replace(microsecond=milliseconds * 1000))


@pytest.mark.parametrize("name", ["pond", "Zu\u0308rich 日本語", "x" * 250, "\udcff\udcfe", "a/\n\x1b", "🐦" * 60])
def test_the_name_of_a_recording_suits_the_file_of_a_clip(name: str, tmp_path: Path) -> None:
    port = port_name(recording_source(name), 255)
    write_atomically(tmp_path / f"{clip_stem(port, datetime(2026, 5, 1, tzinfo=UTC))}.flac.keep", b"")
    (path,) = tmp_path.iterdir()
    assert parse_clip_name(path.with_suffix("")) == ClipName(
        path.name.partition("-out_")[0], 255, datetime(2026, 5, 1, tzinfo=UTC)
    )


def test_long_names_of_recordings_remain_distinct() -> None:
    assert recording_source("x" * 250 + "a") != recording_source("x" * 250 + "b")


def test_the_name_of_a_foreign_ports_clip_suits_a_file() -> None:
    stem = clip_stem("a/b c:capture_1", datetime(2026, 5, 1, tzinfo=UTC))
    assert stem == "a-b-c-capture_1_2026-05-01-00-00-00.000"
