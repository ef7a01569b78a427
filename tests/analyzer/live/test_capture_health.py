"""What hangs: a capture process, or the JACK server behind it. On a clock of its own."""

from dataclasses import dataclass, field

import pytest

from analyzer.live.capture_health import CAPTURE_SILENT_S, JACK_WAITS_S, START_S, CaptureMonitor, CaptureState


@dataclass
class Life:
    """A capture process on a clock that is moved by hand, looked at four times per second."""

    now_s: float = 0.0
    speaks: bool = True
    let_in: bool = True
    cycles: bool = True
    records: bool = True
    frame: int = 0
    verdicts: list[CaptureState] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.monitor = CaptureMonitor(self.now_s)

    def live(self, seconds: float) -> CaptureState:
        """Let time pass; the last verdict."""
        self.verdicts = []
        for step in range(1, round(seconds * 4) + 1):
            self.now_s += 0.25
            if self.cycles and self.let_in:
                self.frame += 12000
            if self.speaks and not step % 4:
                self.monitor.alive(self.frame if self.let_in else None, self.now_s)
            if self.cycles and self.records and self.let_in:
                self.monitor.written(self.frame, self.now_s)
            self.verdicts.append(self.monitor.state(self.now_s))
        return self.verdicts[-1]


def running() -> Life:
    life = Life()
    assert life.live(5) is CaptureState.WELL
    return life


def test_capture_that_advances_is_well() -> None:
    life = running()
    life.live(600)
    assert set(life.verdicts) == {CaptureState.WELL}


def test_a_stopped_capture_process_is_noticed_soon_enough_to_heal_within_ten_seconds() -> None:
    life = running()
    life.speaks = life.records = False
    life.live(CAPTURE_SILENT_S + 1)
    assert life.verdicts[-1] is CaptureState.CAPTURE_HANGS
    assert life.verdicts[8] is CaptureState.WELL
    assert CAPTURE_SILENT_S <= 5


def test_a_callback_that_no_longer_runs_is_the_fault_of_capture() -> None:
    life = running()
    life.records = False
    assert life.live(6) is CaptureState.CAPTURE_HANGS


def test_a_stopped_jack_server_is_not_blamed_on_capture() -> None:
    life = running()
    life.cycles = False
    assert life.live(4) is CaptureState.JACK_STALLED
    life.live(600)
    assert set(life.verdicts) == {CaptureState.JACK_STALLED}


def test_a_jack_server_that_goes_on_is_well_again_and_capture_gets_time_to_follow() -> None:
    life = running()
    life.cycles = False
    life.live(60)
    life.cycles = True
    life.live(3)
    assert CaptureState.CAPTURE_HANGS not in life.verdicts
    assert life.verdicts[-1] is CaptureState.WELL


def test_a_jack_server_that_accepts_no_client_is_waited_for() -> None:
    life = Life(let_in=False)
    life.live(1)
    life.speaks = False  # it waits in JACK's call
    assert life.live(3) is CaptureState.JACK_WAITS


def test_a_process_that_hangs_while_it_asks_jack_is_replaced_but_seldom() -> None:
    life = Life(let_in=False)
    life.live(1)
    life.speaks = False
    life.live(JACK_WAITS_S + 1)
    assert life.verdicts[-1] is CaptureState.CAPTURE_HANGS
    assert life.verdicts.index(CaptureState.CAPTURE_HANGS) * 0.25 > JACK_WAITS_S - 1


def test_a_process_that_never_speaks_is_replaced() -> None:
    life = Life(speaks=False, let_in=False)
    assert life.live(START_S - 0.5) is CaptureState.STARTING
    assert life.live(1) is CaptureState.CAPTURE_HANGS


@pytest.mark.parametrize("asleep_s", [5.0, 60.0])
def test_time_during_which_this_process_did_not_run_does_not_count(asleep_s: float) -> None:
    life = running()
    life.now_s += asleep_s
    life.monitor.forgive(life.now_s)
    life.live(5)
    assert set(life.verdicts) == {CaptureState.WELL}
