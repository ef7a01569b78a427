"""The shadow cascade on the wire: how to start and end one, and how it differs from the live one."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from tidzam.protocol.messages import Message, WireNames

MAX_PROMOTIONS: Final = 50
"""The maximum number of promotions that a rollback takes back: no more are kept."""
ShadowState = Literal["loading", "running", "hangs", "refused", "off"]


class OtherClassifiers(Message):
    """Which classifiers: `nn` and `models` name all of them, or `add` and `remove` say how they differ from the live
    ones."""

    nn: str | None = Field(
        None, max_length=4096, description="Folder of bundles on the analyzer's machine; requires the node's token"
    )
    models: WireNames = Field((), description="Installed models, in place of the live classifiers")
    add: WireNames = Field((), description="Installed models beside the live classifiers")
    remove: WireNames = Field((), description="Installed models that run live, to leave out")


class StartShadow(OtherClassifiers):
    """Try other classifiers on live sound, beside the live ones, or end that. Requires the right to manage.

    Either `nn` and `models` name all of them, or `add` and `remove` say how they differ from the live ones. They
    analyze the same windows at a lower priority, in place of an earlier shadow. Their `analysis` and `detection` events
    are sent to those who subscribe to `shadow`. The response, the status of the shadow, comes when they are loaded.
    """

    stop: bool = Field(False, description="End the shadow; without any other key")


class PromoteClassifiers(OtherClassifiers):
    """Let other classifiers take over from the live ones. Requires the right to manage.

    Without a key, they are those of the shadow, which ends. Otherwise they are named as in `shadow`, and are loaded and
    verified first; a shadow goes on, unless it has the same classifiers. If they cannot be used, the request is refused
    with the reason, and the live ones continue. A node runs what was promoted last also after a restart, until its
    settings name others.
    """


class RollBackClassifiers(Message):
    """Let the classifiers that ran before the last promotion take over again. Requires the right to manage.

    Installed models run in the version that ran then; bundles in a folder as it holds them now. If they cannot be used,
    the request is refused with the reason.
    """

    promotions: int = Field(1, ge=1, le=MAX_PROMOTIONS, description="How many of the last promotions to take back")


class ClassComparison(Message):
    """How the decisions of two cascades on one class agree. A class counts where one of its subclasses is decided."""

    label: str = Field(description="Class, or `unknown`")
    both: int = Field(description="Windows for which both decided it")
    live_only: int = Field(description="Windows for which only the live cascade decided it")
    shadow_only: int = Field(description="Windows for which only the shadow decided it")
    mean_difference: float | None = Field(
        description="Mean absolute difference of its probabilities; None if only one of the two has it"
    )


class WindowDifference(Message):
    """A window on which two cascades decided differently."""

    channel: str = Field(description="Port name")
    start: datetime = Field(description="Start of the window, UTC")
    live: dict[str, float] = Field(description="The classes that the live cascade decided, with their probabilities")
    shadow: dict[str, float] = Field(description="Those that the shadow decided")


class ShadowStatus(Message):
    """The shadow cascade, and how it differs from the live one since both have been running.

    `refused`: it cannot be used. `hangs`: it has been analyzing one step of windows for a long time.
    """

    state: ShadowState = Field(description="Whether it is running")
    classifiers: tuple[str, ...] = Field((), description="Names of its classifiers")
    bundles: dict[str, str] = Field(default_factory=dict, description="Version of each classifier's bundle, by name")
    since: datetime | None = Field(None, description="Since when the two are compared, UTC")
    compared: int = Field(0, description="Windows compared")
    agreed: int = Field(0, description="Windows for which both decided the same")
    agreement: float | None = Field(None, description="Share of the compared windows for which both decided the same")
    mean_difference: float | None = Field(
        None, description="Mean absolute difference of the probabilities of classes that both have"
    )
    incomplete: int = Field(
        0, description="Windows not compared, since a network failed on them or had not heard enough of the channel"
    )
    dropped: int = Field(0, description="Windows that the shadow left out to keep up")
    errors: int = Field(0, description="Windows that the shadow could not analyze")
    unsent: int = Field(0, description="Windows whose events were not sent, since the clients receive them too slowly")
    classes: tuple[ClassComparison, ...] = Field(
        (), description="The classes that either decided, those with the most differences first; at most 100"
    )
    latest: tuple[WindowDifference, ...] = Field((), description="The last windows that differ, newest first")
    fault: str | None = Field(None, description="What is wrong with it; the live cascade is not affected")

    @property
    def remarks(self) -> tuple[str, ...]:
        """A sentence about what is wrong with it."""
        if self.fault is None:
            return ()
        return (f"The shadow does not work, and the live classifiers continue: {self.fault}",)
