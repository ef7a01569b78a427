"""Lock-out and the length of sessions, on times that are arguments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.accounts.lock_out import LockOutPolicy
from console.accounts.session_policy import SessionPolicy, is_due
from tidzam.config.console import LockOutSettings

NOW = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
LOCK_OUT = LockOutPolicy.of(LockOutSettings(failures=3, address_failures=5, minutes=10))
SESSIONS = SessionPolicy(idle=timedelta(hours=2), longest=timedelta(days=1))


def ago(*minutes: float) -> list[datetime]:
    return [NOW - timedelta(minutes=minute) for minute in sorted(minutes, reverse=True)]


def until(of_name: list[datetime], of_address: list[datetime]) -> float | None:
    """Minutes until the next attempt."""
    found = LOCK_OUT.locked_until(of_name=of_name, of_address=of_address, now=NOW)
    return None if found is None else (found - NOW) / timedelta(minutes=1)


def test_fewer_failures_than_the_limit_lock_nobody_out() -> None:
    assert until(ago(1, 2), ago(1, 2, 3, 4)) is None


def test_as_many_failures_as_the_limit_lock_out_until_the_oldest_is_forgotten() -> None:
    assert until(ago(1, 2, 4), []) == 6


def test_failures_before_the_window_do_not_count() -> None:
    assert until(ago(1, 2, 10), []) is None


def test_an_address_is_locked_out_for_all_names() -> None:
    assert until(ago(1), ago(1, 2, 3, 4, 5)) == 5


def test_the_longer_of_two_lock_outs_counts() -> None:
    assert until(ago(1, 2, 3), ago(1, 2, 3, 4, 5)) == 7


@given(st.lists(st.floats(0, 30), max_size=12))
def test_nobody_is_locked_out_for_longer_than_the_window(minutes: list[float]) -> None:
    found = until(ago(*minutes), ago(*minutes))
    assert found is None or 0 <= found <= 10


@pytest.mark.parametrize(
    ("age_h", "unused_h", "is_live"),
    [(1, 1, True), (1.99, 1.99, True), (2, 2, False), (23.9, 0.1, True), (24, 0, False), (30, 0, False)],
)
def test_a_session_ends_when_it_is_not_used_or_too_old(age_h: float, unused_h: float, is_live: bool) -> None:
    created, last_used = NOW - timedelta(hours=age_h), NOW - timedelta(hours=unused_h)
    assert SESSIONS.is_live(created=created, last_used=last_used, now=NOW) is is_live


def test_the_last_use_is_written_once_a_minute_at_most() -> None:
    assert [is_due(NOW, NOW + timedelta(seconds=seconds)) for seconds in (0, 59, 60)] == [False, False, True]
