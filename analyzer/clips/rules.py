"""The rules of clips: those of the command line, which one is for a window, and the file of those that clients set."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from tidzam.atomic import write_atomically
from tidzam.config.clips import ClipRule
from tidzam.errors import RequestError, TidzamError
from tidzam.naming import source_of
from tidzam.output_hints import hint_for
from tidzam.protocol.extraction import ExtractionRule, SampleExtractionRequest
from tidzam.protocol.messages import parse

RULES_FILE: Final = ".extraction-rules.json"
"""The file in a folder of clips that holds the rules set by clients."""


def rules_of(
    *, classes: Sequence[str] = (), dynamic: bool = True, channels: Sequence[str] = ()
) -> tuple[ClipRule, ...]:
    """The rule of the command line's options; every class if none is named. A number is a channel."""
    return (ClipRule(classes=tuple(classes) or ("*",), channels=tuple(channels), rate="auto" if dynamic else 1.0),)


def rule_for(
    channel: str, label: str, *, requested: Mapping[str, ExtractionRule], configured: Sequence[ClipRule]
) -> ClipRule | None:
    """The rule that decides on a window of `channel` with the class `label`; None if it is not kept.

    If a requested rule names the channel, the requested rules decide: that of the port first, then that of the source,
    then globs in their order. Otherwise the configured rules do. Of either, the first that covers the window applies.
    """
    named = [requested[key].clip_rule() for key in _keys_for(channel, requested)]
    return next((rule for rule in named or configured if rule.covers(channel, label)), None)


def _keys_for(channel: str, requested: Mapping[str, ExtractionRule]) -> list[str]:
    """The keys that name a channel, the most specific first. `pond-out_0` is an old spelling of `pond:out_0`."""
    exact = dict.fromkeys((channel, channel.replace(":", "-"), source_of(channel)))
    return [key for key in exact if key in requested] + [
        key for key in requested if key not in exact and fnmatchcase(channel, key)
    ]


def read_requested(folder: Path) -> Mapping[str, ExtractionRule]:
    """The rules that clients have set for the clips in `folder`. Raises TidzamError (`output`)."""
    path = folder / RULES_FILE
    try:
        content = json.loads(path.read_bytes())
        return parse(SampleExtractionRequest, {"set": "rules", "rules": content}).rules or {}
    except (FileNotFoundError, NotADirectoryError):  # the latter is a fault of the folder, not of the rules
        return {}
    except (OSError, ValueError, RequestError) as error:
        raise TidzamError(
            f"The rules in {path} cannot be read: {error}", hint="Repair or delete the file.", code="output"
        ) from None


def write_requested(folder: Path, rules: Mapping[str, ExtractionRule]) -> None:
    """Keep the rules for the clips in `folder`. Raises TidzamError (`output`)."""
    content = {key: rule.model_dump(mode="json") for key, rule in rules.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / RULES_FILE, json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise TidzamError(
            f"The rules cannot be kept in {folder}: {error.strerror}.",
            hint=hint_for(error, folder),
            code="output",
        ) from None
