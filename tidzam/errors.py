"""The exceptions of Tidzam. Every error states what is wrong and what to do about it.

TidzamError
├── ConfigError        invalid settings or options
├── SetupError         a program, a package or a permission is missing
├── NodeError          a program of the node does not work
├── RequestError       an invalid request of a client
├── UnauthorizedError  a request without the right that it requires
├── SourceError        a source cannot be loaded or continued
├── JackError          the JACK server is unavailable, full or refuses
├── AudioError         audio that cannot be read or used
├── BundleError        an invalid classifier bundle
├── DatasetError       an invalid audio folder or dataset
├── StoreError         the store is unavailable, or of another version
├── BackupError        a backup cannot be made, used or restored
└── ClusterError       a machine of a training cluster is unavailable, in use or refuses
"""

from __future__ import annotations

from tidzam.scrub import scrub
from tidzam.text import printable


class TidzamError(Exception):
    """A failure with a stable code, a message, and a hint what to do.

    `code` identifies the failure on the wire; the caller may pass a more specific one (`source_unreachable`). `field`
    is the field of the request or file that is wrong. Credentials in `message` and `hint` are hidden.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None, field: str | None = None) -> None:
        self.message, self.hint = scrub(message), scrub(hint)
        super().__init__(self.message)
        self.code = code or type(self).code
        self.field = field

    def __str__(self) -> str:
        """The message and the hint. Control characters are escaped, since quoted names may come from anywhere."""
        return printable(f"{self.message} {self.hint}".strip())

    def as_wire(self) -> dict[str, str | None]:
        """The `error` object of a refusal: code, message and field."""
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
    """A refusal without further information."""

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


class StoreError(TidzamError):
    code = "store"


class BackupError(TidzamError):
    code = "backup"


class ClusterError(TidzamError):
    code = "cluster"
