"""The known outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from stream_manager.outputs.base import Output
from tidzam.extensions import Registry

OUTPUTS: Final = Registry("tidzam.outputs", "output", {"icecast": "stream_manager.outputs.icecast:IcecastOutput"})

OutputType = type[Output]


def load_outputs(names: Iterable[str]) -> Mapping[str, OutputType]:
    """The outputs by name. Raises ConfigError if a name is unknown, or if an output cannot be imported."""
    return {name: cast(Any, OUTPUTS.load(name)) for name in names}
