"""The REST API against its own description: schemathesis sends what it allows, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance

from console.api.router import api_router
from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.source_server import source_server

BASE = "http://testserver"


def operations() -> dict[str, Any]:
    """All operations by method and path."""
    app = FastAPI()
    app.include_router(api_router())
    schema: Any = schemathesis.openapi.from_dict(app.openapi())
    schema.config.max_stream_events = 1  # of a response without end, whose next event may not come for long
    return {found.ok().label: found.ok() for found in schema.get_all_operations()}


OPERATIONS = operations()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleUnderTest]:
    folder, home = tmp_path_factory.mktemp("media"), tmp_path_factory.mktemp("api")
    with source_server(folder) as manager, console_with_profile(home, {}, manager=manager) as console:
        yield console


ASKS_ANALYZER = "/api/v1/classifiers/"
"""Operations below ask the analyzer, which is away: 503 is the right answer."""
CAN_BE_WRONG = [label for label, operation in OPERATIONS.items() if list(operation.body) or list(operation.query)]
"""Operations for which there is a wrong value. A path may hold any text."""


@pytest.mark.parametrize("label", OPERATIONS)
def test_what_the_description_allows_is_answered_as_it_says(console: ConsoleUnderTest, label: str) -> None:
    # A password may have the right length and yet be refused, which no schema can say.
    send(console, OPERATIONS[label], GenerationMode.POSITIVE, [positive_data_acceptance])


@pytest.mark.parametrize("label", CAN_BE_WRONG)
def test_what_the_description_does_not_allow_is_refused(console: ConsoleUnderTest, label: str) -> None:
    send(console, OPERATIONS[label], GenerationMode.NEGATIVE, [])


def send(console: ConsoleUnderTest, operation: Any, mode: GenerationMode, excluded: list[Any]) -> None:
    """Send generated requests as an admin, and check status, headers and body of each response."""
    operation.app = console.app
    excluded = [*excluded, *([not_a_server_error] if ASKS_ANALYZER in operation.path else [])]
    begun = console.begin("admin")
    headers = {"Cookie": f"{console.runtime.cookie}={begun.cookie}", "X-CSRF-Token": begun.csrf_token}

    @hypothesis.settings(max_examples=6, derandomize=True, database=None)
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Case[Any]) -> None:
        case.call_and_validate(base_url=BASE, headers=headers, excluded_checks=excluded)

    call()
