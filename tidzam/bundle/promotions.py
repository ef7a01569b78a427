"""Which cascade was promoted in a home, and what ran before it: kept in a file, so that a restart changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, ValidationError

from tidzam.atomic import write_atomically
from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.hierarchy import ordered
from tidzam.bundle.installed import cascade_folders
from tidzam.bundle.read import read_bundle
from tidzam.bundle.versions import model_name
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import BundleError, TidzamError
from tidzam.paths import DEMO_BUNDLES

log = logging.getLogger(__name__)

Loaded = TypeVar("Loaded")

FILE: Final = "promotions.json"
MOST_ENTRIES: Final = 50
_DEMO: Final = "demo:"
"""What the file calls the folder of the demo's bundles, which another installation has elsewhere."""
_DEMO_END: Final = DEMO_BUNDLES.parts[-3:]


def _resolved(nn: Path | None) -> Path | None:
    """The folder of bundles that a file names. Older files have the path of the demo in the package of their time."""
    if nn is None or str(nn) == _DEMO or (nn.parts[-3:] == _DEMO_END and not nn.exists()):
        return nn and DEMO_BUNDLES
    return nn


def _written(nn: Path | None) -> str | None:
    return None if nn is None else _DEMO if nn == DEMO_BUNDLES else str(nn)


BundlesFolder = Annotated[
    Path | None, AfterValidator(_resolved), PlainSerializer(_written, return_type=str | None, when_used="json")
]


class LiveCascadeEntry(BaseModel):
    """A cascade that was live."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nn: BundlesFolder = Field(None, description="Folder of bundles; `demo:` for the demo's")
    models: tuple[str, ...] = Field((), description="Installed models")
    bundles: dict[str, str] = Field(default_factory=dict, description="Version of each bundle when it last ran")
    since: datetime | None = Field(None, description="When it took over, UTC; None for the one of the settings")

    @property
    def choice(self) -> CascadeChoice:
        return CascadeChoice(self.nn, self.models)


class Promotions(BaseModel):
    """The cascades that were live one after the other: that of the settings first, the live one last.

    They hold for the `nn` and `models` of these settings. If the settings name others, those are what the user wants.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    entries: tuple[LiveCascadeEntry, ...] = Field(min_length=1)

    @classmethod
    def none(cls, settings: CascadeChoice) -> Promotions:
        """Only the cascade of the settings."""
        return cls(entries=(LiveCascadeEntry(nn=settings.nn, models=settings.models),))

    @property
    def live(self) -> LiveCascadeEntry:
        return self.entries[-1]

    @property
    def previous(self) -> LiveCascadeEntry | None:
        """What ran before the last promotion; None if there was none."""
        return self.entries[-2] if len(self.entries) > 1 else None

    def promoted(
        self, choice: CascadeChoice, bundles: Mapping[str, str], *, before: Mapping[str, str], now: datetime
    ) -> Promotions:
        """`choice` has taken over, with these versions of its `bundles`. `before` are those that ran until then."""
        last = self.live.model_copy(update={"bundles": dict(before)})
        new = LiveCascadeEntry(nn=choice.nn, models=choice.models, bundles=dict(bundles), since=now)
        first, *later = (*self.entries[:-1], last, new)
        return Promotions(entries=(first, *later[-MOST_ENTRIES:]))

    def ran(self, choice: CascadeChoice) -> Promotions:
        """The same, whose live cascade is `choice`: its models named with their versions."""
        live = self.live.model_copy(update={"nn": choice.nn, "models": choice.models})
        return Promotions(entries=(*self.entries[:-1], live))

    def rolled_back(self, bundles: Mapping[str, str], promotions: int = 1) -> Promotions:
        """The cascade before the last so many `promotions` has taken over, with these versions of its `bundles`."""
        *earlier, live = self.entries[:-promotions]
        return Promotions(entries=(*earlier, live.model_copy(update={"bundles": dict(bundles)})))


def read_promotions(home: Path | None, settings: CascadeChoice) -> Promotions:
    """What was promoted in a home whose settings choose this cascade. A damaged file counts as none, and is logged."""
    none = Promotions.none(settings)
    if home is None:
        return none
    try:
        found = Promotions.model_validate_json((home / FILE).read_bytes())
    except FileNotFoundError:
        return none
    except (OSError, ValidationError) as error:
        log.error("%s cannot be read, and the classifiers of the settings run: %s", home / FILE, error)
        return none
    return found if _is_same(found.entries[0].choice, settings) else none


def _is_same(first: CascadeChoice, settings: CascadeChoice) -> bool:
    """Whether `first`, whose models may be kept in the version that ran, is what the settings choose."""
    pairs = zip(first.models, settings.models, strict=False)
    return (first.nn, len(first.models)) == (settings.nn, len(settings.models)) and all(
        named in (ran, model_name(ran)) for ran, named in pairs
    )


def write_promotions(home: Path, promotions: Promotions) -> None:
    """Replace the file of a home. Raises OSError."""
    write_atomically(home / FILE, promotions.model_dump_json(indent=1) + "\n")


def chosen_cascade(settings: AnalyzerSettings, home: Path | None) -> tuple[CascadeChoice, str | None]:
    """The cascade that runs in a home: what was promoted last, or that of the settings.

    If what was promoted cannot be used any more, it is that of the settings, with the reason.
    """
    own = CascadeChoice(settings.nn, settings.models)
    choice = read_promotions(home, own).live.choice
    if choice == own:
        return own, None
    try:
        ordered(read_bundle(path).manifest for path in cascade_folders(choice.nn, choice.models, home=home))
    except BundleError as error:
        return own, unusable(error)
    return choice, None


def unusable(error: TidzamError) -> str:
    """Why the cascade of the settings runs, and not what was promoted."""
    return f"What was promoted cannot be used, and the classifiers of the settings run: {error}"


def with_promoted(settings: AnalyzerSettings, home: Path | None) -> AnalyzerSettings:
    """The settings with the cascade that runs in a home."""
    choice, _ = chosen_cascade(settings, home)
    return settings.model_copy(update={"nn": choice.nn, "models": choice.models})


def load_promoted(settings: AnalyzerSettings, home: Path | None, load: Callable[[AnalyzerSettings], Loaded]) -> Loaded:
    """What `load` makes of the settings with the cascade that runs in a home; of the settings as they are, if that
    raises TidzamError: then what was promoted cannot be used any more."""
    promoted = with_promoted(settings, home)
    try:
        return load(promoted)
    except TidzamError as error:
        if promoted == settings:
            raise
        log.error("%s", unusable(error))
        return load(settings)
