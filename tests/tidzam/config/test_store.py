"""The address of the store in the settings."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tidzam.config.store import StoreSettings
from tidzam.store.engine import address_of, shown


@pytest.mark.parametrize("url", ["postgresql://tidzam@db/tidzam", "postgres://db:5433/birds?sslmode=require"])
def test_addresses_of_postgresql_are_accepted(url: str) -> None:
    assert StoreSettings(url=url).url == url


@pytest.mark.parametrize("url", ["mysql://db/tidzam", "postgresql://db", "postgresql://db:x/tidzam", "tidzam.sqlite3"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="expected the address of a PostgreSQL database"):
        StoreSettings(url=url)


def test_a_password_in_the_address_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"set store\.password instead"):
        StoreSettings(url="postgresql://tidzam:secret@db/tidzam")


def test_the_address_shown_has_no_parameters() -> None:
    settings = StoreSettings(url="postgresql://tidzam@db:5433/tidzam?sslpassword=secret")
    assert shown(address_of(settings)) == "postgresql://tidzam@db:5433/tidzam"
