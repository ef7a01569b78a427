"""The known outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from stream_manager.outputs.base import Output
from tidzam.config import SourceSettings
from tidzam.extensions import Registry

OUTPUTS: Final = Registry(
    "tidzam.outputs",
    "output",
    {
        "icecast": "stream_manager.outputs.icecast:IcecastOutput",
        "recorder": "stream_manager.outputs.recorder:RecorderOutput",
    },
)
RECORDER: Final = "recorder"
"""The output that a source has, besides those that the settings name, if it is recorded."""

OutputType = type[Output]


def output_names(source: SourceSettings, default: Iterable[str], *, is_recorded: bool = False) -> tuple[str, ...]:
    """The outputs of a source; `default` are those of sources that name none."""
    names = default if source.outputs is None else source.outputs
    return tuple(dict.fromkeys((*names, *((RECORDER,) if is_recorded else ()))))


def load_outputs(names: Iterable[str]) -> Mapping[str, OutputType]:
    """The outputs by name. Raises ConfigError if a name is unknown, or if an output cannot be imported."""
    return {name: cast(Any, OUTPUTS.load(name)) for name in names}
