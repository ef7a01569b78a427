"""The settings of who may listen and manage."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tidzam.config.settings import AccessSettings


@pytest.mark.parametrize(
    "access",
    [
        {"origins": "*"},
        {"origins": ["null"]},
        {"origins": ["example.org"]},
        {"origins": ["https://example.org/page"]},
        {"origins": ["https://*.example.org"]},
        {"hosts": "*"},
        {"hosts": ["http://station.example"]},
        {"hosts": ["station.example/"]},
        {"listen": "everybody"},
        {"manage": False},
    ],
)
def test_settings_that_would_let_everybody_in_by_mistake_are_refused(access: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AccessSettings.model_validate(access)


def test_origins_and_hosts_are_lists_or_text() -> None:
    given = {"origins": "https://a.example, http://b.example:3000", "hosts": ["c.example", "[::1]:9000"]}
    access = AccessSettings.model_validate(given)
    assert access.origins == ("https://a.example", "http://b.example:3000")
    assert access.hosts == ("c.example", "[::1]:9000")
