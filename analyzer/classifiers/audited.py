"""Changes of the classifiers by clients, for the audit log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from analyzer.sinks.socketio import ClassifierCommand
from tidzam.accounts.audit import AuditAction
from tidzam.accounts.client_audit import ClientAudit
from tidzam.protocol.classifiers import PROMOTE, ROLLBACK, SHADOW, ReloadAnswer
from tidzam.protocol.messages import Message
from tidzam.protocol.shadow import ShadowStatus
from tidzam.server.access import Client

_ACTIONS: Final[Mapping[str, AuditAction]] = {
    SHADOW: AuditAction.MODEL_SHADOWED,
    PROMOTE: AuditAction.MODEL_PROMOTED,
    ROLLBACK: AuditAction.MODEL_ROLLED_BACK,
}
"""What a command does. Others change nothing that people decide: `reload` reads the same bundles again."""


def audited(
    commands: Mapping[str, ClassifierCommand], client: Callable[[str], Client], audit: ClientAudit
) -> Mapping[str, ClassifierCommand]:
    """`commands` that `audit` takes once they are carried out; `client` returns who is connected under an id."""
    return {
        name: _audited(command, _ACTIONS[name], client, audit) if name in _ACTIONS else command
        for name, command in commands.items()
    }


def _audited(
    command: ClassifierCommand, action: AuditAction, client: Callable[[str], Client], audit: ClientAudit
) -> ClassifierCommand:
    async def run(sid: str, content: Message) -> Message:
        sender = client(sid)  # it may leave before the classifiers are loaded
        answer = await command(sid, content)
        if isinstance(answer, ShadowStatus) and answer.state == "off":
            audit.record(sender, AuditAction.MODEL_SHADOW_ENDED, "")
        elif isinstance(answer, ShadowStatus | ReloadAnswer):
            versions = ", ".join(f"{name} {version}" for name, version in answer.bundles.items())
            audit.record(sender, action, ", ".join(answer.bundles)[:200], versions=versions)
        return answer

    return run
