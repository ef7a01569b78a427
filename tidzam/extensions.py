"""Extension points: implementations by name, ours and those of installed packages.

A package adds one by an entry point in the group of the extension point, for example in its `setup.cfg`:

    [options.entry_points]
    tidzam.sinks =
        pager = pager_sink:PagerSink
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from tidzam.errors import ConfigError, TidzamError
from tidzam.suggest import did_you_mean


class Registry:
    """The implementations of one extension point. Nothing is imported before `load`.

    `group` is the entry-point group, such as `tidzam.sinks`; `kind` is what an implementation is called in messages,
    such as `sink`. `built_in` maps our own names to `module:attribute`.
    """

    def __init__(self, group: str, kind: str, built_in: Mapping[str, str]) -> None:
        self.group, self.kind = group, kind
        self._built_in = {name: EntryPoint(name, value, group) for name, value in built_in.items()}

    @property
    def built_in(self) -> tuple[str, ...]:
        """The names of our own implementations."""
        return tuple(self._built_in)

    @cached_property
    def _known(self) -> Mapping[str, EntryPoint]:
        """Ours come first: a package cannot replace them."""
        installed = {point.name: point for point in entry_points(group=self.group)}
        return installed | self._built_in

    def names(self) -> tuple[str, ...]:
        """All names, ours first, the others in alphabetical order."""
        return (*self._built_in, *sorted(set(self._known) - set(self._built_in)))

    def load(self, name: str) -> Any:
        """The implementation called `name`.

        Raises ConfigError: `unknown_extension` if there is none, `broken_extension` if importing it fails.
        """
        point = self._known.get(name)
        if point is None:
            raise ConfigError(
                f"There is no {self.kind} {name!r}.",
                hint=f"{did_you_mean(name, self.names())}The known ones are {', '.join(self.names())}.",
                code="unknown_extension",
            )
        try:
            return point.load()
        except Exception as error:  # whatever a third party's module raises
            raise ConfigError(
                f"The {self.kind} {name!r} ({point.value}) cannot be loaded: {type(error).__name__}: {error}",
                hint="Repair or uninstall the package that provides it.",
                code="broken_extension",
            ) from error

    def create(self, name: str, *arguments: Any, hint: str) -> Any:
        """What the implementation called `name` returns for `arguments`.

        Raises TidzamError as it does, and ConfigError (`broken_extension`), with `hint`, for any other exception; and
        the errors of `load`.
        """
        make = self.load(name)
        try:
            return make(*arguments)
        except TidzamError:
            raise
        except Exception as error:  # whatever a third party's code raises
            raise ConfigError(
                f"The {self.kind} {name!r} cannot be created: {type(error).__name__}: {error}",
                hint=hint,
                code="broken_extension",
            ) from error
