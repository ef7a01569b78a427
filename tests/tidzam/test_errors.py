import pytest

from tidzam import errors
from tidzam.errors import AudioError, TidzamError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TidzamError)]


def test_an_error_says_what_happened_and_what_to_do() -> None:
    error = AudioError("The file is empty.", hint="Record it again.", code="audio_empty", field="url")
    assert str(error) == "The file is empty. Record it again."
    assert error.as_wire() == {"code": "audio_empty", "message": str(error), "field": "url"}


def test_without_a_hint_there_is_no_blank() -> None:
    assert str(AudioError("Gone.")) == "Gone."
    assert AudioError("Gone.").code == "audio"


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_in_the_tree_that_the_module_draws(kind: type[TidzamError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")


def test_codes_differ() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)
