"""Models and classifiers as the REST API and the pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from console.services.models import ConsoleModel
from tidzam.open_set_report import ReportedTag, ReportedTest
from tidzam.protocol.shadow import ShadowStatus

ModelName = Annotated[
    str,
    Field(min_length=1, max_length=80, description="Name of an installed model, or NAME@VERSION of one that ran live"),
]


class ModelFacts(ConsoleModel):
    """What a bundle states about itself."""

    version: str = Field(description="Digest of its manifest")
    kind: str = Field(description="`open-set recognizer`, or `classifier`")
    input: str = Field(description="What its network takes: `features` or `waveform`")
    window_s: float = Field(description="Length of its windows in seconds")
    rate_hz: int = Field(description="Sample rate in Hz of what it takes")
    low_hz: float = Field(description="Lower end of the band that it uses, in Hz")
    high_hz: float = Field(description="Upper end of that band, in Hz")
    classes: tuple[str, ...] = Field(description="Its first classes, at most 50")
    class_count: int = Field(description="Number of its classes")
    parent: str | None = Field(description="Class under which it runs; null if it runs on every window")
    formats: tuple[str, ...] = Field(description="File formats of its network")
    license: str | None = Field(description="License of a model that others made")
    license_url: str | None = Field(description="Address of the text of the license")
    trained: str | None = Field(description="When it was trained, in ISO 8601, if the bundle says so")
    base: str | None = Field(description="Name of the bundle on whose embeddings it was trained")
    macro_f1: float | None = Field(description="Macro F1 on its test data, if the bundle states it")
    size_bytes: int = Field(description="Size of its files in bytes")


class ModelView(ConsoleModel):
    """A model of the library: a bundle in the home, or one of the folder that the node runs."""

    name: str = Field(description="Name of the model")
    is_installed: bool = Field(description="Whether it is installed in the home, and can be chosen by name")
    live_version: str | None = Field(description="Its version that runs live; null if it does not")
    shadow_version: str | None = Field(description="Its version that runs as a shadow; null if it does not")
    in_place_of: tuple[str, ...] = Field(
        description="Installed models that run live and have a class of it, so that it can only run in their place"
    )
    fault: str | None = Field(description="Why it cannot be used; null if it can")
    facts: ModelFacts | None = Field(description="What it states about itself; null if it cannot be used")


class PromotionView(ConsoleModel):
    """A cascade that was live."""

    bundles: Mapping[str, str] = Field(description="Version of each bundle when it last ran; empty if unknown")
    since: datetime | None = Field(description="When it took over, UTC; null for the classifiers of the settings")


class ClassifiersView(ConsoleModel):
    """The classifiers that run live and as a shadow."""

    is_away: bool = Field(description="Whether the analyzer does not answer; then nothing is known of the others")
    live: Mapping[str, str] = Field(description="Version of each classifier that runs live, by name")
    is_loading: bool = Field(description="Whether classifiers are being loaded and tried")
    promoted: bool = Field(description="Whether they were promoted, rather than named in the settings")
    kept: bool = Field(description="Whether they will run after a restart, too")
    previous: Mapping[str, str] | None = Field(description="What a rollback returns to; null if nothing was promoted")
    refusal: str | None = Field(description="Why other classifiers were refused last; the live ones continue")
    shadow: ShadowStatus | None = Field(description="The shadow, compared with the live classifiers; null if none runs")
    history: tuple[PromotionView, ...] = Field(description="Cascades that were live, the present one first")


class ModelList(ConsoleModel):
    """The model library."""

    models: tuple[ModelView, ...] = Field(description="Models by name, those that run first")


class ThresholdRevision(ConsoleModel):
    """Thresholds that were changed."""

    time: str = Field(description="When, in ISO 8601")
    author: str = Field(description="Who changed them")
    version: str = Field(description="The version that was replaced")
    thresholds: Mapping[str, float] = Field(description="Its thresholds of the classes that were changed")


class Lineage(ConsoleModel):
    """Where a model comes from."""

    base: str | None = Field(description="Name of the bundle on whose embeddings it was trained")
    base_version: str | None = Field(description="Version of that bundle")
    replaces: str | None = Field(description="Version that it replaced when it was trained")
    days: Mapping[str, tuple[str, ...]] = Field(description="Days of its data by use: `train`, `test`, and background")
    windows: Mapping[str, int] = Field(description="Number of windows by use")
    tags: Mapping[str, Mapping[str, int]] = Field(description="Windows of each tag by use")
    files: Mapping[str, tuple[str, ...]] = Field(description="Audio files by use")
    origin: str = Field(description="Where a model that others made comes from")
    revisions: tuple[ThresholdRevision, ...] = Field(description="Changes of thresholds, the last one first")


class Measurement(ConsoleModel):
    """Figures that a bundle states, measured on some data."""

    name: str = Field(description="What the data are called, such as `validation`")
    data: str = Field(description="What the data are")
    figures: Mapping[str, float] = Field(description="Figures of all classes, by name")
    classes: Mapping[str, Mapping[str, float]] = Field(description="Figures of each class; of at most 200 classes")


class Picture(StrEnum):
    """A picture beside the card of a model."""

    CONFUSION = "confusion.png"
    PRECISION_RECALL = "precision_recall.png"
    ROC = "roc.png"


class ModelDetail(ModelView):
    """A model with its thresholds and lineage."""

    thresholds: Mapping[str, float] = Field(description="Threshold of each class; of at most 200 classes")
    lineage: Lineage = Field(description="Where it comes from")
    has_evaluation: bool = Field(description="Whether there is an evaluation at `/evaluation`")
    stated: Mapping[str, str] = Field(description="What else the bundle states about its training, as text")
    measured: tuple[Measurement, ...] = Field(description="What the bundle states about its accuracy")
    pictures: tuple[Picture, ...] = Field(description="Pictures at `/pictures`, of a model without an evaluation")


class EvaluationView(ConsoleModel):
    """The evaluation of a recognizer at some thresholds."""

    version: str = Field(description="Version of the recognizer")
    window_s: float = Field(description="Length of a window in seconds")
    thresholds: Mapping[str, float] = Field(description="The thresholds of this evaluation")
    are_saved: bool = Field(description="Whether these are the thresholds of the recognizer")
    can_change: bool = Field(description="Whether the evaluation can be computed for other thresholds")
    tags: Mapping[str, ReportedTag] = Field(description="What thresholds of each tag cost, on training data held out")
    test: ReportedTest | None = Field(description="The evaluation on the test data; null without any")
