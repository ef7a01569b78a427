"""What is new about a detection."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from console.services.rarity import Rarity, rarity_of

PARIS = ZoneInfo("Europe/Paris")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


@pytest.mark.parametrize(
    ("previous", "start", "expected"),
    [
        ("2026-05-03T00:01", "2026-05-03T23:59", None),
        ("2026-05-02T23:59", "2026-05-03T00:01", Rarity.DAY),
        ("2026-04-19T12:00", "2026-05-03T12:00", Rarity.DAY),
        ("2026-04-18T12:00", "2026-05-03T12:00", Rarity.RETURN),
        ("2026-05-31T12:00", "2026-06-01T12:00", Rarity.SEASON),
        ("2026-11-30T12:00", "2026-12-01T12:00", Rarity.SEASON),
        ("2025-12-31T23:59", "2026-01-01T00:01", Rarity.YEAR),
        ("2025-05-01T12:00", "2026-05-01T12:00", Rarity.YEAR),
    ],
)
def test_the_rarest_of_what_is_new_is_named(previous: str, start: str, expected: Rarity | None) -> None:
    assert rarity_of(at(start), at(previous), PARIS) is expected


def test_what_was_never_heard_before_is_the_first_ever() -> None:
    assert rarity_of(at("2026-05-03T12:00"), None, PARIS) is Rarity.EVER
