"""Access rules: rights from the settings, and checks of the host and the origin of a request. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tidzam.config.settings import AccessMode, AccessSettings, is_loopback
from tidzam.tokens import same_token

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_WILDCARDS = frozenset({"", "0.0.0.0", "::"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Right(Enum):
    """A right that a handler or a route requires of its caller."""

    LISTEN = "listen"
    """Receiving events and reading the state."""
    MANAGE = "manage"
    """Changing the state."""


@dataclass(frozen=True)
class Identity:
    """Who a client has proved to be, and the `rights` that this adds to those of everybody.

    `has_token` is whether it presented the node's token: it may then do what its owner may.
    """

    name: str
    rights: frozenset[Right]
    has_token: bool = False


ANONYMOUS = Identity("", frozenset())


@dataclass(frozen=True)
class Client:
    """The sender of a request: its Socket.IO id (empty for a route), its address, its identity and all its rights.

    `keeps_audit` is whether it is a program of the node that records its changes in the audit log itself.
    """

    id: str
    address: str
    identity: Identity
    rights: frozenset[Right]
    keeps_audit: bool = False

    @property
    def has_token(self) -> bool:
        """Whether it presented the token, however open the server is."""
        return self.identity.has_token

    def may(self, right: Right) -> bool:
        return right in self.rights


@dataclass(frozen=True)
class Access:
    """The rules of one server.

    `listen` and `manage` are `open` if all clients have that right, `token` if only those that present `token` have it
    (none if it is None). `origins` are the origins of other web pages that may connect. `hosts` are additional names
    (NAME or NAME:PORT) under which clients reach the server.
    """

    listen: AccessMode = "open"
    manage: AccessMode = "open"
    token: str | None = field(default=None, repr=False)
    origins: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: AccessSettings, *, host: str, token: str | None) -> Access:
        """The rules of `settings` for a server that listens on `host`."""
        return cls(
            listen=settings.listen_mode,
            manage=settings.manage_mode(host),
            token=token,
            origins=frozenset(origin.lower().rstrip("/") for origin in settings.origins),
            hosts=frozenset(name.lower() for name in settings.hosts),
        )

    def proves(self, *tokens: object) -> bool:
        """Whether one of the values sent by a client is the token."""
        return any(same_token(given, self.token) for given in tokens)

    @property
    def open_rights(self) -> frozenset[Right]:
        """The rights of all clients."""
        modes = {Right.LISTEN: self.listen, Right.MANAGE: self.manage}
        return frozenset(right for right, mode in modes.items() if mode == "open")

    @property
    def owner(self) -> Identity:
        """The identity of a client that presents the token."""
        return Identity("owner", frozenset(Right), has_token=True)


def own_names(host: str, machine_names: frozenset[str]) -> frozenset[str]:
    """The names and addresses under which a server that listens on `host` is reached.

    `machine_names` are the names of the machine. The local address of a connection is always one, too, and not
    included here.
    """
    wildcard = host in _WILDCARDS
    loopback = LOOPBACK_NAMES if wildcard or is_loopback(host) else frozenset()
    machine = machine_names if not is_loopback(host) else frozenset()
    own = frozenset() if wildcard else frozenset({host.lower()})
    return own | loopback | frozenset(name.lower() for name in machine)


def is_own_host(header: str | None, *, port: int, names: frozenset[str], listed: frozenset[str]) -> bool:
    """Whether the `Host` header refers to this server: one of its `names` with its `port`, or a `listed` host.

    A page of another site whose name resolves to this machine (DNS rebinding) sends the name of that site. Only
    programs can omit the header.
    """
    if header is None:
        return True
    header = header.strip().lower()
    parsed = _split_host(header)
    if parsed is None:
        return False
    name, given_port = parsed
    if header in listed or name in listed:
        return True
    return name in names and (given_port or _DEFAULT_PORTS["http"]) == port


def is_foreign_origin(headers: Mapping[str, str], *, origins: frozenset[str]) -> bool:
    """Whether a request comes from a web page that is neither of this server nor of one of `origins`.

    Programs send no `Origin`. Neither does a page that loads a script or an image, but its browser sends
    `Sec-Fetch-Site`. Following a link to this server is allowed.
    """
    origin = headers.get("Origin")
    if origin is not None:
        return not (_is_same_origin(origin, headers.get("Host")) or origin.lower() in origins)
    site = headers.get("Sec-Fetch-Site", "none")
    return site not in ("none", "same-origin") and headers.get("Sec-Fetch-Mode") != "navigate"


def _is_same_origin(origin: str, host: str | None) -> bool:
    """Whether `origin` is a page of the server named by `host`. A proxy may terminate TLS."""
    scheme, separator, place = origin.lower().partition("://")
    if host is None or not separator or scheme not in _DEFAULT_PORTS:
        return False
    ours, theirs = _split_host(host.strip().lower()), _split_host(place)
    default = _DEFAULT_PORTS[scheme]
    return ours is not None and theirs is not None and _with_port(ours, default) == _with_port(theirs, default)


def _with_port(parsed: tuple[str, int | None], default: int) -> tuple[str, int]:
    name, port = parsed
    return name, port or default


def _split_host(text: str) -> tuple[str, int | None] | None:
    """`NAME`, `NAME:PORT`, `[IPV6]` or `[IPV6]:PORT` as name and port; None otherwise."""
    if text.startswith("["):
        name, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            return None
        port = rest[1:]
    else:
        name, _, port = text.partition(":")
    if not name or (port and not (port.isascii() and port.isdigit() and len(port) <= 5)):
        return None
    return name.rstrip("."), int(port) if port else None
