"""The figures of live parity, from decisions that are known."""

from pathlib import Path

import pytest

from benchmarks.alignment import Fidelity
from benchmarks.esc10 import Esc10Clip, find_clips, lay_out
from benchmarks.live_parity import compare, reason
from benchmarks.playback import PlayedClip
from tidzam.errors import DatasetError

CLIPS = [Esc10Clip(Path(f"{label}/4-{k}-A.ogg"), label, 4) for k, label in enumerate(("rain", "rain", "dog", "dog"))]
GOOD = Fidelity(snr_db=130.0, share=1.0, wrong_s=0.0)


def played(rain: float, fidelity: Fidelity = GOOD) -> PlayedClip:
    return PlayedClip({"rain": rain, "dog": 1 - rain}, 5, fidelity)


def test_figures_by_hand() -> None:
    offline = [
        {"rain": 0.9, "dog": 0.1},
        {"rain": 0.8, "dog": 0.2},
        {"rain": 0.3, "dog": 0.7},
        {"rain": 0.6, "dog": 0.4},
    ]
    low = Fidelity(snr_db=12.0, share=1.0, wrong_s=0.1)
    live = [played(0.9), played(0.2), played(0.3, low), played(0.6)]
    figures = compare(CLIPS, offline, live)
    assert figures["accuracy_offline"] == 0.75
    assert figures["accuracy_live"] == 0.5
    assert figures["difference_points"] == 25
    assert figures["same_decision"] == 0.75
    assert figures["classes"] == ["dog", "rain"]
    assert figures["confusion_live"] == [[1, 1], [1, 1]]
    assert figures["confusion_offline"] == [[1, 1], [0, 2]]
    assert list(figures["snr_db_low"]) == ["4-2-A.ogg"]
    assert figures["snr_db_median"] == 130.0


def test_a_clip_without_a_window_is_wrong() -> None:
    nothing = PlayedClip({}, 0, Fidelity(snr_db=-150.0, share=0.0, wrong_s=0.0))
    figures = compare(CLIPS[:1], [{"rain": 1.0}], [nothing])
    assert figures["accuracy_live"] == 0
    assert "nothing was recorded" in figures["snr_db_low"]["4-0-A.ogg"]


def test_reasons() -> None:
    assert "100 ms differ" in reason(Fidelity(snr_db=12.0, share=1.0, wrong_s=0.1))
    assert "shifted" in reason(Fidelity(snr_db=0.0, share=1.0, wrong_s=3.0))


def test_folds_are_laid_out_and_missing_data_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDZAM_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match="set TIDZAM_DATA"):
        find_clips()
    for name in ("rain/1-2-A.ogg", "rain/4-5-A.ogg", "dog/2-7-B.ogg"):
        (tmp_path / "esc10" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "esc10" / name).touch()
    laid = lay_out(find_clips(), (1, 2), tmp_path / "out")
    assert sorted(path.relative_to(laid).as_posix() for path in laid.rglob("*.ogg")) == [
        "dog/2-7-B.ogg",
        "rain/1-2-A.ogg",
    ]
