"""Building recognizers: what there is, what would be used, and the jobs that train."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from console.accounts.visitor import Visitor
from console.services.builder.bases import bases, is_recognizer, require_base
from console.services.builder.datasets import DatasetRequest, dataset_orders
from console.services.builder.days import suggest_uses
from console.services.builder.material import Material, TrainingMaterial
from console.services.builder.models import (
    BuilderChoices,
    BuilderDay,
    BuildPlan,
    BuildRequest,
    DayUse,
    SetPlan,
    TagSet,
    is_background,
)
from console.services.builder.sections import training_table, windows_by_tag
from console.services.builder.used_names import require_unused, why_used
from console.services.jobs.models import JobView
from console.services.jobs.requests import FOLDER, JobDesk, JobOrder
from console.services.turns import Turns
from tidzam.bundle import installed_models
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.open_set import MIN_WINDOWS
from tidzam.paths import home_folder, models_folder
from tidzam.store.database import Store

KIND: Final = "recognizer"
TABLE: Final = "annotations.csv"
_TURNS: Final = Turns(1)
"""Whoever looks for the recordings of many days."""
QUIET_DAYS: Final = 100
"""How many of the last recorded days without annotations are offered."""


@dataclass(frozen=True, kw_only=True)
class ModelBuilder:
    """Builds recognizers of the annotations of the node of `settings`, whose clock is that of `zone`."""

    store: Store
    settings: Settings
    zone: ZoneInfo
    jobs: JobDesk

    def choices(self, *, now: datetime) -> BuilderChoices:
        """Days, tags and bases. Raises StoreError."""
        material = self._material()
        annotations = material.per_day()
        recorded = material.recorded_days(now)
        suggested = suggest_uses(annotations, recorded)
        quiet = sorted(recorded - set(annotations))[-QUIET_DAYS:]
        tags = Counter[str]()
        for of_day in annotations.values():
            tags.update({tag: count for tag, count in of_day.items() if not is_background(tag)})
        return BuilderChoices(
            days=tuple(
                BuilderDay(
                    day=day,
                    annotations=annotations.get(day, {}),
                    is_recorded=day in recorded,
                    suggested=suggested.get(day),
                )
                for day in sorted({*annotations, *quiet})
            ),
            tags=dict(sorted(tags.items(), key=lambda item: (-item[1], item[0]))),
            bases=bases(models_folder(self.settings.home)),
            taken=tuple(installed_models(models_folder(self.settings.home))),
            least_windows=MIN_WINDOWS,
        )

    def plan(self, request: BuildRequest) -> BuildPlan:
        """What would be used for these models. Raises RequestError and StoreError."""
        window_s = self._window_s(request)
        material = self._gather(request, window_s)
        annotations = Counter(one.use for one in material.sections if not one.is_background)
        background = Counter[DayUse]()
        for one in material.sections:
            if one.is_background:
                background[one.use.background] += one.windows(window_s)
        most = request.background_windows
        return BuildPlan(
            models=tuple(self._plan_of(one, material, window_s) for one in request.models),
            annotations=annotations,
            background_windows={use: min(count, most) for use, count in background.items()},
            unrecorded=material.unrecorded,
        )

    def build(self, visitor: Visitor, request: BuildRequest, *, now: datetime) -> tuple[JobView, ...]:
        """A job per model. Raises RequestError (`dataset_small`, `model_exists`, `no_model`, `too_many_jobs`)."""
        models = models_folder(self.settings.home)
        window_s = self._window_s(request)
        material = self._gather(request, window_s)
        for one in request.models:
            require_unused(self.settings, one.name)
            problem = self._plan_of(one, material, window_s).problem
            if problem is not None:
                raise RequestError(f"{one.name}: {problem}", code="dataset_small", field="models")
        models.mkdir(parents=True, exist_ok=True)
        table = training_table(material.sections)
        orders = [self._order(one, request, table) for one in request.models]
        return self.jobs.submit_all(visitor, orders, now=now)

    def make_datasets(self, visitor: Visitor, request: DatasetRequest, *, now: datetime) -> tuple[JobView, ...]:
        """A job per dataset. Raises RequestError (`dataset_small`, `dataset_place`, `job_unfinished`,
        `too_many_jobs`)."""
        with _TURNS.one():
            material = self._material().gather(
                request.days,
                window_s=request.least_s,
                between=request.background_clips > 0,
                background_windows=request.background_clips,
                longest_background_s=request.least_s,
            )
        return self.jobs.submit_all(visitor, dataset_orders(self.settings, request, material), now=now)

    def _order(self, model: TagSet, request: BuildRequest, table: str) -> JobOrder:
        home = self.settings.home
        base, _ = require_base(models_folder(home), request.base)
        most = request.most_false_alarms
        options: dict[str, str] = {
            "--base": str(base),
            "--out": str(models_folder(home) / model.name),
            "--home": str(home_folder(home)),
            "--max-background": str(request.background_windows),
            **({} if most is None else {"--most-false-alarms": f"{most:g}"}),
        }
        words = [f"{name}={value}" for name, value in options.items()]
        words += [f"--tag={tag}" for tag in model.tags]
        words += ["--incomplete"] if request.background_between else []
        return JobOrder(
            kind=KIND,
            title=model.name,
            parameters=_parameters(model, request),
            argv=[sys.executable, "-P", "-m", "trainer", "openset", f"{FOLDER}/{TABLE}", *words, "--progress-json"],
            files={TABLE: table},
        )

    def _plan_of(self, model: TagSet, material: Material, window_s: float) -> SetPlan:
        train = windows_by_tag(material.sections, DayUse.TRAIN, window_s)
        test = windows_by_tag(material.sections, DayUse.TEST, window_s)
        return SetPlan(
            name=model.name,
            windows={tag: train[tag] for tag in model.tags},
            test_windows={tag: test[tag] for tag in model.tags},
            problem=self._problem(model, material, train),
        )

    def _problem(self, model: TagSet, material: Material, train: Counter[str]) -> str | None:
        folder = models_folder(self.settings.home) / model.name
        if used := why_used(self.settings, model.name):
            return f"{used} Choose another name."
        if folder.exists() and not is_recognizer(folder):
            return "There is a model of this name that was not built from annotations. Choose another name."
        for tag in model.tags:
            if train[tag] < MIN_WINDOWS:
                return (
                    f"{tag} has {train[tag]} of the {MIN_WINDOWS} training windows that it needs. "
                    "Annotate more of it, or use more days for training."
                )
        others = any(one.tag not in model.tags for one in material.sections)
        if not others and len(model.tags) == 1:
            return "There is no background. Use days for background, or the sound between annotations."
        return None

    def _window_s(self, request: BuildRequest) -> float:
        _, manifest = require_base(models_folder(self.settings.home), request.base)
        return float(manifest.input.window_s)

    def _gather(self, request: BuildRequest, window_s: float) -> Material:
        with _TURNS.one():
            return self._material().gather(
                request.days,
                window_s=window_s,
                between=request.background_between,
                background_windows=request.background_windows,
            )

    def _material(self) -> TrainingMaterial:
        return TrainingMaterial(self.store, self.settings, self.zone)


def _parameters(model: TagSet, request: BuildRequest) -> Mapping[str, object]:
    """The request for one model, as the job keeps it."""
    return request.model_copy(update={"models": (model,)}).model_dump(mode="json")
