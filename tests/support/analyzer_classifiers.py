"""Classifiers without an analyzer behind them: they are tried, promoted and rolled back on request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.support.console_server import analyzer_health
from tidzam.protocol.classifiers import (
    ROLLBACK,
    ReloadAnswer,
    ReloadStatus,
    classifier_answer,
    parse_classifier_request,
)
from tidzam.protocol.messages import Message
from tidzam.protocol.shadow import OtherClassifiers, PromoteClassifiers, ShadowStatus, StartShadow
from tidzam.server import Health, Server


class AnalyzerClassifiers:
    """`live` are versions by name; `before` those that ran before the last promotion, None if there was none."""

    def __init__(self) -> None:
        self.live: Mapping[str, str] = dict(analyzer_health().detail["bundles"])
        self.before: Mapping[str, str] | None = None
        self.shadow: Mapping[str, str] = {}

    def health(self) -> Health:
        """The health of the analyzer."""
        health = analyzer_health()
        reload = ReloadStatus(promoted=self.before is not None, previous=self.before and dict(self.before))
        changed = {
            "bundles": dict(self.live),
            "classifiers": list(self.live),
            "shadow": self._shadow_status.model_dump(mode="json"),
            "reload": reload.model_dump(mode="json"),
        }
        return replace(health, detail={**health.detail, **changed})

    def answer_on(self, server: Server) -> None:
        """Answer requests to a server."""
        server.on("sys", self._answer)

    @property
    def _shadow_status(self) -> ShadowStatus:
        state = "running" if self.shadow else "off"
        since = datetime(2026, 5, 1, 6, 0, tzinfo=UTC) if self.shadow else None
        return ShadowStatus(state=state, classifiers=tuple(self.shadow), bundles=dict(self.shadow), since=since)

    async def _answer(self, sid: str, data: Any) -> dict[str, Any]:
        command, content = parse_classifier_request(data)
        return classifier_answer(command, self._done(command, content).model_dump(mode="json"))

    def _changed(self, wanted: OtherClassifiers) -> Mapping[str, str]:
        named = dict.fromkeys(wanted.add or wanted.models or (), "0123456789ab")
        return {**self.live, **named} if wanted.add else named

    def _done(self, command: str, content: Message) -> Message:
        if isinstance(content, StartShadow):
            self.shadow = {} if content.stop else self._changed(content)
            return self._shadow_status
        if isinstance(content, PromoteClassifiers):
            others = self._changed(content) or self.shadow
            self.before, self.live, self.shadow = self.live, others, {}
        elif command == ROLLBACK and self.before is not None:
            self.live, self.before = self.before, None
        return ReloadAnswer(classifiers=tuple(self.live), bundles=dict(self.live), changed=True)
