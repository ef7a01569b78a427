"""What can go wrong, as a tree. Every error says what happened, and what to do about it.

TidzamError
├── ConfigError        the settings are wrong
├── SetupError         a program, a package or a right is missing
├── NodeError          a program of the node did not do its job
├── RequestError       a client asked for something that cannot be
├── UnauthorizedError  a client asked for something that it has no right to
├── SourceError        a source cannot be loaded, or cannot go on
├── JackError          the JACK server is away, full or refuses
├── AudioError         sound that cannot be read or used
├── BundleError        a classifier bundle that cannot be trusted
├── DatasetError       audio folders or datasets that cannot be used
└── ClusterError       a machine of a training cluster is away, taken or refuses
"""

from __future__ import annotations

from tidzam.scrub import scrub
from tidzam.text import printable


class TidzamError(Exception):
    """A failure with a stable wire code, a sentence for a person, and what to do.

    `code` may be refined by the one who raises it (`source_unreachable`), and then it is part of
    the wire. `field` names the request's or file's field at fault. Credentials in the sentences are hidden.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None, field: str | None = None) -> None:
        self.message, self.hint = scrub(message), scrub(hint)
        super().__init__(self.message)
        self.code = code or type(self).code
        self.field = field

    def __str__(self) -> str:
        """Both sentences. Quoted names may come from elsewhere; control characters in them are escaped."""
        return printable(f"{self.message} {self.hint}".strip())

    def as_wire(self) -> dict[str, str | None]:
        """The `error` object of PROTOCOL: code, message and field."""
        return {"code": self.code, "message": str(self), "field": self.field}


class ConfigError(TidzamError):
    code = "config"


class SetupError(TidzamError):
    code = "setup"


class NodeError(TidzamError):
    code = "node"


class RequestError(TidzamError):
    code = "request"


class UnauthorizedError(TidzamError):
    """A refusal, which reveals nothing else."""

    code = "unauthorized"

    def __init__(self) -> None:
        super().__init__("unauthorized")


class SourceError(TidzamError):
    code = "source"


class JackError(TidzamError):
    code = "jack"


class AudioError(TidzamError):
    code = "audio"


class BundleError(TidzamError):
    code = "bundle"


class DatasetError(TidzamError):
    code = "dataset"


class ClusterError(TidzamError):
    code = "cluster"
