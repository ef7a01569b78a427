"""When the recording of a live stream is tried again."""

from __future__ import annotations

from stream_manager.live.retry import POLICY, RecordingRetry

REASON = "No space left on device"


def delay_s(retry: RecordingRetry, failed_s: float) -> float:
    """How long it is not tried after a failure at `failed_s`, in whole seconds."""
    return next(second for second in range(1000) if retry.is_due(failed_s + second))


def test_the_first_recording_begins_at_once() -> None:
    assert RecordingRetry().is_due(0.0)


def test_the_delay_grows_with_each_failure_up_to_its_maximum() -> None:
    retry, now_s, delays = RecordingRetry(), 0.0, []
    for _ in range(7):
        retry.begin(now_s)
        retry.fail(now_s)
        delays.append(delay_s(retry, now_s))
        now_s += delays[-1]
    assert delays == [1, 2, 4, 8, 16, 30, 30]


def test_a_recording_that_has_lasted_makes_the_delay_short_again() -> None:
    retry = RecordingRetry()
    for _ in range(5):
        retry.fail(0.0)
    retry.begin(100.0)
    retry.fail(100.0 + POLICY.stable_after_s)
    assert delay_s(retry, 100.0 + POLICY.stable_after_s) == POLICY.first_delay_s


def test_the_same_reason_is_news_only_once() -> None:
    retry = RecordingRetry()
    assert [retry.is_news(REASON), retry.is_news(REASON)] == [True, False]


def test_another_reason_is_news() -> None:
    retry = RecordingRetry()
    assert [retry.is_news(REASON), retry.is_news("the disk is too slow")] == [True, True]


def test_the_same_reason_is_news_after_a_recording_that_worked() -> None:
    retry = RecordingRetry()
    retry.is_news(REASON)
    retry.works()
    assert retry.is_news(REASON)
