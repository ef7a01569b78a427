"""The requests about the classifiers of the analyzer, under `sys` / `classifier`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import Field

from tidzam.protocol.messages import Message, parse, parse_command
from tidzam.protocol.shadow import PromoteClassifiers, RollBackClassifiers, StartShadow

LIST: Final = "list"
RELOAD: Final = "reload"
SHADOW: Final = "shadow"
PROMOTE: Final = "promote"
ROLLBACK: Final = "rollback"
CHANGE_TIMEOUT_S: Final = 300.0
"""How long a client waits for another cascade: trying a large network takes up to a minute on a busy machine."""


class ListClassifiers(Message):
    """List the loaded classifiers. The list is also sent on `sys` when a client connects and when it changes."""


class ReloadClassifiers(Message):
    """Load the classifiers again from their folders. Requires the right to manage.

    They are verified while the old ones continue, and take over between two windows. If they cannot be used, the
    request is refused with the reason, and the old ones stay.
    """


class ReloadAnswer(Message):
    """The classifiers that are live after a reload."""

    classifiers: tuple[str, ...] = Field(description="Names of the classifiers")
    bundles: dict[str, str] = Field(description="Version of each classifier's bundle, by name")
    changed: bool = Field(description="Whether others took over; not if the folders hold what was live already")
    shadow: dict[str, str] = Field(
        default_factory=dict, description="Version of each bundle of the shadow cascade, by name of its classifier"
    )


class ReloadStatus(Message):
    """Reloads of the classifiers since the start of the analyzer."""

    loading: bool = Field(False, description="Classifiers are being loaded and verified")
    count: int = Field(0, description="Times that other classifiers took over")
    refused: int = Field(0, description="Times that classifiers could not be used, so that the old ones stayed")
    last: datetime | None = Field(None, description="When others took over last, UTC")
    promoted: bool = Field(False, description="The live classifiers were promoted, rather than named in the settings")
    kept: bool = Field(True, description="What is live now will be live after a restart, too")
    previous: dict[str, str] | None = Field(
        None,
        description="Version of each bundle that ran before the last promotion, to which a rollback returns; None if "
        "nothing was promoted, and empty if they are not known",
    )
    refusal: str | None = Field(
        None, description="Why the classifiers that were found last are refused; the old ones continue"
    )

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences about what an operator should know."""
        found = []
        if self.refusal is not None:
            found.append(f"New classifiers are refused, and the old ones continue: {self.refusal}")
        if self.promoted and not self.kept:
            found.append("The live classifiers were promoted; after a restart, others are live. See the log.")
        return tuple(found)


_REQUESTS: Final[Mapping[str, type[Message]]] = {
    LIST: ListClassifiers,
    RELOAD: ReloadClassifiers,
    SHADOW: StartShadow,
    PROMOTE: PromoteClassifiers,
    ROLLBACK: RollBackClassifiers,
}


def parse_classifier_request(data: Any) -> tuple[str, Message]:
    """The command in `{"sys": {"classifier": {COMMAND: …}}}`, and its content. Raises RequestError.

    `""` stands for a content without keys; what follows `list` is ignored.
    """
    _, content = parse_command(data, ("classifier",))
    command, inner = parse_command({LIST: ""} if content == {} else content, tuple(_REQUESTS))
    return command, parse(_REQUESTS[command], {} if inner == "" or command == LIST else inner)


def classifier_list(names: Iterable[str]) -> dict[str, Any]:
    """The response to `list`, also sent when a client connects and when the list changes."""
    return classifier_answer(LIST, list(names))


def classifier_answer(command: str, content: Any) -> dict[str, Any]:
    """The response to a command."""
    return {"sys": {"classifier": {command: content}}}
