"""The audit log of what commands change: as a table, which names every command."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from sqlalchemy import select
from typer.main import get_command
from typer.testing import CliRunner

from tests.support.backups import make_home
from tests.support.console import TOKEN
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.sound import tone
from tests.support.source_server import source_server
from tests.support.waveform_models import write_onnx
from tidzam.accounts.audit import AuditAction, command_line_actor
from tidzam.backup.create import create_backup
from tidzam.backup.shelf import BackupShelf
from tidzam.cli.__main__ import app
from tidzam.cli.audited import record_command
from tidzam.config.store import StoreSettings
from tidzam.protocol.analyzer import MESSAGES
from tidzam.server import Access, Health, Server
from tidzam.store.database import open_store
from tidzam.store.tables.accounts import AuditRow

PASSWORD = "marsh wren at dawn"
CHANGES: tuple[tuple[str, AuditAction], ...] = (
    ("users add ann --generate", AuditAction.USER_ADDED),
    ("users role ann manager", AuditAction.ROLE_CHANGED),
    ("users password ann --generate", AuditAction.PASSWORD_CHANGED),
    ("users role ann node", AuditAction.ROLE_CHANGED),
    ("users token ann", AuditAction.TOKEN_ADDED),
    ("users remove ann", AuditAction.USER_REMOVED),
    ("activity fit", AuditAction.TIME_MODELS_MADE),
    (
        "models import {folder}/tones.onnx --labels {folder}/labels.csv --rate-hz 8000 --window-s 0.5 --output logits "
        "--band-hz 100-3000",
        AuditAction.MODEL_INSTALLED,
    ),
    ("models remove tones", AuditAction.MODEL_REMOVED),
    ("models shadow birds", AuditAction.MODEL_SHADOWED),
    ("models shadow --stop", AuditAction.MODEL_SHADOW_ENDED),
    ("models promote", AuditAction.MODEL_PROMOTED),
    ("models promote --add frogs", AuditAction.MODEL_PROMOTED),
    ("models rollback --promotions 2", AuditAction.MODEL_ROLLED_BACK),
    ("sources load wren wren.flac", AuditAction.SOURCE_ADDED),
    ("sources load wren wren.flac --loop", AuditAction.SOURCE_CHANGED),
    ("sources record wren", AuditAction.RECORDING_SWITCHED),
    ("sources unload wren", AuditAction.SOURCE_REMOVED),
)
"""Commands that change a node, in this order, and what the log says of each."""
ELSEWHERE = {"backup restore", "models add"}
"""Commands that change a home and are tested below, or fetch a model before they do the same as `models import`."""
READ_ONLY = {
    *("start", "run", "stop", "restart", "check", "status", "watch", "install", "lint", "test", "bench"),
    *("start", "stop", "restart", "check", "status", "watch", "install", "lint", "test", "bench", "record"),
    *("sources history", "sources signals", "sources heard", "sources devices"),
    *("sinks test", "store status", "activity show", "models list", "models show", "models species", "models reload"),
    *("backup create", "backup list", "backup verify", "search index", "search status", "search find", "users list"),
}
"""Commands that change nothing that people decide: programs are started and stopped, files are read or made again."""
CLASSIFIERS = {"changed": True, "bundles": {"birds": "2"}}
SHADOW = {"state": "running", "bundles": {"birds": "2"}}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The home of a node whose stream manager runs, and whose analyzer accepts every change."""
    home, media = tmp_path / "home", tmp_path / "media"
    home.mkdir()
    media.mkdir()
    soundfile.write(media / "wren.flac", tone(440, duration_s=1), 44100)
    (tmp_path / "labels.csv").write_text("label\nhum\nwhistle\n")
    write_onnx(tmp_path / "tones.onnx")
    (home / "token").write_text(TOKEN)
    (home / "token").chmod(0o600)
    with source_server(media) as url, AcceptingAnalyzer() as port:
        ports = {"stream_manager": {"port": int(url.rpartition(":")[2])}, "analyzer": {"port": port}}
        (home / "profile.yaml").write_text(json.dumps(ports))
        yield home


class AcceptingAnalyzer:
    """A server that answers requests about classifiers as an analyzer does that accepts them; its port.

    `asked` are the requests so far.
    """

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def __enter__(self) -> int:
        self._port, self._started, self._stop = free_port(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        eventually(self._started.is_set, what="the analyzer serves")
        return self._port

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=20)

    async def _serve(self) -> None:
        server = Server(
            "analyzer",
            host="127.0.0.1",
            port=self._port,
            health=lambda: Health(True),
            messages=MESSAGES,
            access=Access(token=TOKEN),
        )
        server.on("sys", self._answer)
        async with server:
            self._started.set()
            await asyncio.to_thread(self._stop.wait)

    async def _answer(self, sid: str, data: Any) -> dict[str, Any]:
        (command,) = asked = data["sys"]["classifier"]
        self.asked.append(asked)
        return {"sys": {"classifier": {command: SHADOW if command == "shadow" else CLASSIFIERS}}}


def run(words: list[str]) -> None:
    done = CliRunner().invoke(app, words, env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.output or done.exception


def rows(home: Path) -> list[AuditRow]:
    with open_store(StoreSettings(), home) as store, store.read() as session:
        return list(session.scalars(select(AuditRow).order_by(AuditRow.id)))


def test_every_command_that_changes_the_node_leaves_one_row(home: Path) -> None:
    for line, _ in CHANGES:
        run([*line.format(folder=home.parent).split(), "--home", str(home)])
    assert [row.action for row in rows(home)] == [action.value for _, action in CHANGES]


@pytest.mark.parametrize(
    ("line", "command", "content"),
    [
        ("promote", "promote", ""),
        ("promote birds frogs", "promote", {"models": ["birds", "frogs"], "nn": None}),
        ("promote --nn /srv/nn", "promote", {"models": [], "nn": "/srv/nn"}),
        ("promote --add frogs --remove birds", "promote", {"add": ["frogs"], "remove": ["birds"]}),
        ("shadow --add frogs", "shadow", {"add": ["frogs"], "remove": []}),
        ("rollback", "rollback", {"promotions": 1}),
        ("rollback --promotions 3", "rollback", {"promotions": 3}),
    ],
)
def test_the_analyzer_is_asked_for_the_classifiers_that_are_named(
    tmp_path: Path, line: str, command: str, content: Any
) -> None:
    analyzer = AcceptingAnalyzer()
    with analyzer as port:
        profile = {"analyzer": {"port": port}, "store": {"enabled": False}}
        (tmp_path / "profile.yaml").write_text(json.dumps(profile))
        run(["models", *line.split(), "--home", str(tmp_path)])
    assert analyzer.asked == [{command: content}]


def test_promoted_classifiers_are_named_in_one_way() -> None:
    done = CliRunner().invoke(app, ["models", "promote", "birds", "--add", "frogs"])
    assert "Name classifiers, or how they differ" in done.output
    assert done.exit_code == 2


def test_the_author_is_the_user_of_the_system(home: Path) -> None:
    run(["users", "add", "ann", "--generate", "--home", str(home)])
    (row,) = rows(home)
    assert (row.actor, row.address) == ("command line (root)", "")


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    assert command_line_actor().name == "command line (54321)"


def test_a_change_is_made_although_the_store_cannot_be_used(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "profile.yaml").write_text("store: {url: 'postgresql://nobody@127.0.0.1:1/none'}")
    record_command(home, AuditAction.MODEL_REMOVED, "tones")
    assert "this is not in the audit log" in " ".join(capsys.readouterr().err.split())


def test_a_backup_that_was_restored_is_in_the_log_of_the_new_home(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    create_backup(make_home(tmp_path / "old", StoreSettings()), BackupShelf(tmp_path / "backups"))
    run(["backup", "restore", str(tmp_path / "backups"), "--home", str(tmp_path / "new")])
    assert rows(tmp_path / "new")[-1].action == AuditAction.BACKUP_RESTORED


def test_the_table_names_every_command() -> None:
    named = {" ".join(line.split()[:2]) for line, _ in CHANGES} | ELSEWHERE | READ_ONLY
    assert commands() == named


def commands() -> set[str]:
    """All commands, without those of the demo, which works on files of the project."""
    found = set()
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]  # it is a group
        inner = getattr(command, "commands", None)
        found |= {name} if inner is None else {f"{name} {one}" for one in inner}
    return {one for one in found if not one.startswith("demo ")}
