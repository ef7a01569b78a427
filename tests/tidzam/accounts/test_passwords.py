"""Which passwords are accepted, and how they are kept."""

from __future__ import annotations

import pytest

from tidzam.accounts.passwords import hash_password, is_outdated, new_password, require_strong, verify_password
from tidzam.errors import RequestError


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "has 5 characters, expected 10 to 200"),
        ("x" * 201, "has 201 characters"),
        ("aaaaabbbbb", "repeats the same few characters"),
        ("Ann.Marsh1", "is the name of the user"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(password: str, reason: str) -> None:
    with pytest.raises(RequestError, match=reason) as refused:
        require_strong(password, name="ann.marsh1")
    assert refused.value.code == "weak_password"


def test_a_refusal_does_not_repeat_the_password() -> None:
    with pytest.raises(RequestError) as refused:
        require_strong("tiny-s3cr", name="ann")
    assert "tiny-s3cr" not in str(refused.value)


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password("marsh wren é")


def test_a_hash_is_argon2id_and_not_the_password(hashed: str) -> None:
    assert hashed.startswith("$argon2id$")
    assert "marsh" not in hashed


def test_the_right_password_is_verified_in_any_form_of_unicode(hashed: str) -> None:
    assert verify_password("marsh wren e\u0301", hashed)


def test_a_wrong_password_is_not_verified(hashed: str) -> None:
    assert not verify_password("marsh wren e", hashed)


def test_nobody_has_a_password_that_does_not_exist() -> None:
    assert not verify_password("", None)


def test_a_hash_that_is_damaged_verifies_nothing() -> None:
    assert not verify_password("marsh wren é", "$argon2id$v=19$damaged")


def test_a_hash_of_weaker_parameters_is_outdated(hashed: str) -> None:
    assert is_outdated(hashed.replace("t=3", "t=1"))
    assert not is_outdated(hashed)


def test_new_passwords_are_accepted_and_differ() -> None:
    made = {new_password() for _ in range(20)}
    assert len(made) == 20
    for password in made:
        require_strong(password, name="admin")
