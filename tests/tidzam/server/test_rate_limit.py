"""Rate limits on a fake clock, and the log of violations."""

from __future__ import annotations

import logging

import pytest

from tidzam.server.connections import party
from tidzam.server.rate_limit import SUSPECT_FILL, RateLimiter, Verdict
from tidzam.server.violations import FORGET_S, Violations


def verdicts(limiter: RateLimiter, count: int, *, at: float, size: int = 10) -> list[Verdict]:
    return [limiter.judge(messages=1, size=size, now=at) for _ in range(count)]


def test_a_burst_is_served_then_refused_once_then_ignored_then_disconnected() -> None:
    found = verdicts(RateLimiter(messages_per_s=10, bytes_per_s=1e6, now=0), 101, at=0)
    assert found == [Verdict.SERVE] * 50 + [Verdict.REFUSE] + [Verdict.IGNORE] * 49 + [Verdict.DISCONNECT]


def test_a_client_that_pauses_is_served_again() -> None:
    limiter = RateLimiter(messages_per_s=10, bytes_per_s=1e6, now=0)
    verdicts(limiter, 60, at=0)
    assert verdicts(limiter, 30, at=5) == [Verdict.SERVE] * 30


def test_a_steady_client_within_the_rate_is_served_for_ever() -> None:
    limiter = RateLimiter(messages_per_s=10, bytes_per_s=1e6, now=0)
    assert all(limiter.judge(messages=1, size=10, now=n / 10) is Verdict.SERVE for n in range(10_000))


def test_a_client_that_returns_after_a_flood_begins_with_a_small_burst() -> None:
    found = verdicts(RateLimiter(messages_per_s=200, bytes_per_s=1e6, now=0, fill=SUSPECT_FILL), 100, at=0)
    assert found.count(Verdict.SERVE) == 50


def test_bytes_count_too() -> None:
    found = verdicts(RateLimiter(messages_per_s=1000, bytes_per_s=1000, now=0), 4, at=0, size=2500)
    assert found == [Verdict.SERVE, Verdict.SERVE, Verdict.REFUSE, Verdict.IGNORE]


def test_a_flood_of_violations_is_one_line_per_kind_and_client(caplog: pytest.LogCaptureFixture) -> None:
    violations = Violations("test", clock=lambda: 0.0)
    for number in range(10_000):
        violations.report("10.0.0.1", "a malformed packet", f"detail {number}\nforged line")
    violations.report("10.0.0.2", "a malformed packet")
    assert len(caplog.records) == 2
    assert "\n" not in caplog.records[0].getMessage()
    assert violations.counts["a malformed packet"] == 10_001


def test_a_violation_is_logged_again_after_a_while(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    violations = Violations("test", clock=lambda: now[0])
    for now[0] in (0.0, FORGET_S - 1, FORGET_S + 1):
        violations.report("10.0.0.1", "kind")
    assert len(caplog.records) == 2


def test_violations_of_many_addresses_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    violations = Violations("test", clock=lambda: 0.0)
    with caplog.at_level(logging.WARNING):
        for number in range(5000):
            violations.report(f"2001:db8::{number:x}", "kind")
    assert len(caplog.records) == 100


@pytest.mark.parametrize(
    ("address", "other", "same"),
    [
        ("127.0.0.1", "127.9.9.9", True),
        ("127.0.0.1", "::1", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("", "10.0.0.1", False),
    ],
)
def test_addresses_of_one_client_count_together(address: str, other: str, same: bool) -> None:
    assert (party(address) == party(other)) is same
