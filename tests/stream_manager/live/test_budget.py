"""How much audio a client may send."""

from __future__ import annotations

from stream_manager.live.budget import AudioBudget


def test_a_client_in_real_time_is_never_limited() -> None:
    budget = AudioBudget(buffer_s=1.0, now_s=0.0)
    assert all(budget.admits(0.1, number * 0.1) for number in range(100_000))


def test_a_burst_up_to_the_buffer_is_admitted() -> None:
    budget = AudioBudget(buffer_s=5.0, now_s=0.0)
    assert [budget.admits(1.0, 0.0) for _ in range(7)] == [True] * 5 + [False] * 2


def test_a_flood_gets_no_more_than_is_played_in_the_meantime() -> None:
    budget = AudioBudget(buffer_s=5.0, now_s=0.0)
    admitted_s = sum(0.1 * budget.admits(0.1, number / 1000) for number in range(100_000))
    assert 100 <= admitted_s <= 107


def test_time_without_audio_is_not_saved_up() -> None:
    budget = AudioBudget(buffer_s=5.0, now_s=0.0)
    budget.admits(1.0, 3600.0)
    assert not budget.admits(4.5, 3600.0)
