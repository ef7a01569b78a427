"""Which changes of the classifiers by clients are reported for the audit log."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.classifiers.audited import audited
from analyzer.sinks.socketio import ClassifierCommand
from tests.support.store_reports import CollectingReporter
from tidzam.accounts.client_audit import ClientAudit
from tidzam.errors import RequestError
from tidzam.protocol.classifiers import PROMOTE, RELOAD, ROLLBACK, SHADOW, ReloadAnswer, ReloadClassifiers
from tidzam.protocol.messages import Message
from tidzam.protocol.shadow import ShadowStatus
from tidzam.server.access import ANONYMOUS, Client, Identity
from tidzam.store.records import AuditRecord

LIVE = ReloadAnswer(classifiers=("birds",), bundles={"birds": "2"}, changed=True)
TRIED = ShadowStatus(state="running", bundles={"birds": "2"})
ENDED = ShadowStatus(state="off")


class Clients:
    """One client, which leaves while its request is carried out."""

    def __init__(self, *, keeps_audit: bool = False) -> None:
        client = Client("a", "192.0.2.7", Identity("", frozenset(), has_token=True), frozenset(), keeps_audit)
        self._clients = {"a": client}

    def __call__(self, sid: str) -> Client:
        return self._clients.get(sid, Client(sid, "", ANONYMOUS, frozenset()))

    def leave(self) -> None:
        self._clients.clear()


async def reported(folder: Path, name: str, answer: Message | RequestError, clients: Clients) -> list[AuditRecord]:
    """What is reported of the command `name`, which answers or is refused."""

    async def command(sid: str, content: Message) -> Message:
        clients.leave()
        if isinstance(answer, RequestError):
            raise answer
        return answer

    reporter, commands = CollectingReporter(folder), dict[str, ClassifierCommand]({name: command})
    try:
        assert await audited(commands, clients, ClientAudit(reporter))[name]("a", ReloadClassifiers()) is answer
    except RequestError as error:
        assert error is answer
    return [record for record in reporter.records if isinstance(record, AuditRecord)]


@pytest.mark.parametrize(
    ("name", "answer", "action"),
    [
        (SHADOW, TRIED, "model.shadowed"),
        (SHADOW, ENDED, "model.shadow_ended"),
        (PROMOTE, LIVE, "model.promoted"),
        (ROLLBACK, LIVE, "model.rolled_back"),
    ],
)
async def test_a_change_is_reported_with_who_asked_for_it(
    tmp_path: Path, name: str, answer: Message, action: str
) -> None:
    (row,) = await reported(tmp_path, name, answer, Clients())
    assert (row.actor, row.address, row.action) == ("client with the token", "192.0.2.7", action)


async def test_the_versions_are_reported(tmp_path: Path) -> None:
    (row,) = await reported(tmp_path, PROMOTE, LIVE, Clients())
    assert (row.subject, row.detail) == ("birds", {"versions": "birds 2"})


async def test_a_reload_and_what_is_refused_change_nothing(tmp_path: Path) -> None:
    assert await reported(tmp_path, RELOAD, LIVE, Clients()) == []
    assert await reported(tmp_path, PROMOTE, RequestError("No shadow is running."), Clients()) == []


async def test_what_clients_record_themselves_is_not_reported(tmp_path: Path) -> None:
    assert await reported(tmp_path, PROMOTE, LIVE, Clients(keeps_audit=True)) == []
