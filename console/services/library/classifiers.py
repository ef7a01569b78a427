"""The classifiers of the running analyzer: as they are, and changed on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import Field, model_validator

from console.accounts.visitor import Visitor
from console.services.library.models import ClassifiersView, ModelName, PromotionView
from console.services.models import ConsoleModel
from tidzam.accounts.audit import AuditAction, record
from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.promotions import read_promotions
from tidzam.config import Settings
from tidzam.errors import NodeError, RequestError
from tidzam.protocol.analyzer import AnalyzerHealth
from tidzam.protocol.classifiers import CHANGE_TIMEOUT_S, PROMOTE, RELOAD, ROLLBACK, SHADOW, ReloadAnswer
from tidzam.protocol.shadow import ShadowStatus
from tidzam.server.sys_requests import request_sys_at
from tidzam.store.database import Store


class CascadeChange(ConsoleModel):
    """Other classifiers: how they differ from the live ones, or which they are."""

    add: tuple[ModelName, ...] = Field(
        (),
        max_length=50,
        description="Installed models beside the live classifiers, and in place of other versions of these",
    )
    remove: tuple[ModelName, ...] = Field((), max_length=50, description="Installed models that run live, to leave out")
    models: tuple[ModelName, ...] = Field((), max_length=50, description="Instead: all models, in place of those live")

    @model_validator(mode="after")
    def _is_one(self) -> CascadeChange:
        if bool(self.models) == bool(self.add or self.remove):
            raise ValueError("expected `models`, or `add` and `remove`")
        return self


class RollBack(ConsoleModel):
    """To which classifiers to return."""

    promotions: int = Field(1, ge=1, le=50, description="How many of the last promotions to take back")


@dataclass(frozen=True)
class RunningClassifiers:
    """Changes the classifiers of the analyzer at `url`, for a visitor. `live` are the versions that run before.

    All methods block until the analyzer has loaded and tried the classifiers, and raise RequestError with its reason if
    it refuses them; the live ones continue then. `analyzer_away` is the code if it does not answer.
    """

    url: str
    store: Store
    visitor: Visitor
    live: Mapping[str, str]
    now: datetime
    token: str | None = field(repr=False)

    def start_shadow(self, change: CascadeChange) -> ShadowStatus:
        """Compare other classifiers with the live ones."""
        status = ShadowStatus.model_validate(self._request(SHADOW, change.model_dump(mode="json")))
        self._record(AuditAction.MODEL_SHADOWED, status.bundles, beside=versions_text(self.live))
        return status

    def end_shadow(self) -> None:
        """End the comparison."""
        self._request(SHADOW, {"stop": True})
        self._record(AuditAction.MODEL_SHADOW_ENDED, self.live)

    def promote(self, change: CascadeChange | None = None) -> ReloadAnswer:
        """Let the shadow take over; with `change`, these classifiers."""
        content = "" if change is None else change.model_dump(mode="json", exclude_defaults=True)
        return self._took_over(AuditAction.MODEL_PROMOTED, PROMOTE, content)

    def roll_back(self, promotions: int = 1) -> ReloadAnswer:
        """Return to the classifiers before the last so many `promotions`."""
        return self._took_over(AuditAction.MODEL_ROLLED_BACK, ROLLBACK, {"promotions": promotions})

    def reload(self) -> ReloadAnswer:
        """Load the classifiers again, since their bundles have changed."""
        return ReloadAnswer.model_validate(self._request(RELOAD, ""))

    def _took_over(self, action: AuditAction, command: str, content: Any = "") -> ReloadAnswer:
        answer = ReloadAnswer.model_validate(self._request(command, content))
        self._record(action, answer.bundles, old_versions=versions_text(self.live))
        return answer

    def _record(self, action: AuditAction, bundles: Mapping[str, str], **detail: str) -> None:
        subject = ", ".join(bundles)[:200]
        with self.store.write() as session:
            record(
                session, self.visitor.actor, action, subject, now=self.now, versions=versions_text(bundles), **detail
            )

    def _request(self, command: str, content: Any) -> Any:
        wanted = {"classifier": {command: content}}
        try:
            answer = request_sys_at(self.url, self.token, "analyzer", wanted, timeout_s=CHANGE_TIMEOUT_S)
        except NodeError as error:
            raise RequestError(error.message, hint="Start it, or wait.", code="analyzer_away") from None
        return answer["classifier"][command]


def classifiers_view(settings: Settings, analysis: AnalyzerHealth | None) -> ClassifiersView:
    """The classifiers that run; `analysis` is the analyzer's report, None if it is away."""
    if analysis is None:
        return ClassifiersView(
            is_away=True,
            live={},
            is_loading=False,
            promoted=False,
            kept=True,
            previous=None,
            refusal=None,
            shadow=None,
            history=_history(settings),
        )
    reload = analysis.reload
    return ClassifiersView(
        is_away=False,
        live=analysis.bundles,
        is_loading=reload.loading,
        promoted=reload.promoted,
        kept=reload.kept,
        previous=reload.previous,
        refusal=reload.refusal,
        shadow=analysis.shadow,
        history=_history(settings),
    )


def versions_text(bundles: Mapping[str, str]) -> str:
    """Classifiers with their versions, as the audit log has them."""
    return ", ".join(f"{name} {version}" for name, version in bundles.items())


def _history(settings: Settings) -> tuple[PromotionView, ...]:
    own = CascadeChoice(settings.analyzer.nn, settings.analyzer.models)
    entries: Sequence[Any] = read_promotions(settings.home, own).entries
    if len(entries) == 1:
        return ()
    return tuple(PromotionView(bundles=one.bundles, since=one.since) for one in reversed(entries))
