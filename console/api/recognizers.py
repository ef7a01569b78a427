"""REST: models that are built on this node, of annotations or of datasets."""

from __future__ import annotations

from fastapi import APIRouter

from console.services.builder.datasets import DatasetRequest
from console.services.builder.models import BuilderChoices, BuildPlan, BuildRequest
from console.services.builder.networks import TrainingChoices, TrainingRequest, training_choices, training_order
from console.services.jobs.models import JobView
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(tags=["Model builder"], dependencies=[needs(Permission.MANAGE)])


@router.get("/recognizers/choices")
def read_builder_choices(runtime: Runtime) -> BuilderChoices:
    """Days with annotations or recordings, tags, and models whose embeddings can be used."""
    return runtime.builder.choices(now=runtime.now())


@router.post("/recognizers/plan")
def plan_recognizers(runtime: Runtime, request: BuildRequest) -> BuildPlan:
    """What would be used, without building anything."""
    return runtime.builder.plan(request)


@router.post("/recognizers", status_code=202)
def build_recognizers(runtime: Runtime, visitor: CurrentVisitor, request: BuildRequest) -> tuple[JobView, ...]:
    """Train a recognizer per set of tags, each as a job. The result is an installed model."""
    return runtime.builder.build(visitor, request, now=runtime.now())


@router.post("/datasets", status_code=202)
def make_datasets(runtime: Runtime, visitor: CurrentVisitor, request: DatasetRequest) -> tuple[JobView, ...]:
    """Cut clips of annotations, and of background, out of recordings, as a job: a dataset on which networks can be
    trained. Days for tests make a second one."""
    return runtime.builder.make_datasets(visitor, request, now=runtime.now())


@router.get("/trainings/choices")
def read_training_choices(runtime: Runtime) -> TrainingChoices:
    """The datasets that networks can be trained on."""
    return training_choices(runtime.settings)


@router.post("/trainings", status_code=202)
def train_network(runtime: Runtime, visitor: CurrentVisitor, request: TrainingRequest) -> JobView:
    """Train a network on a dataset, as a job. The result is an installed model."""
    return runtime.jobs.submit(visitor, training_order(runtime.settings, request), now=runtime.now())
