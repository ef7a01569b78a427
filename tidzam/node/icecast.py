"""The Icecast server's command line and configuration."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from tidzam.addresses import url_host
from tidzam.config.settings import IcecastSettings

WEB_ROOT = Path("/usr/share/icecast2/web")
ADMIN_ROOT = Path("/usr/share/icecast2/admin")
LISTENER = "tidzam"
"""The user name of listeners if the profile requires the token for listening."""
UNPRIVILEGED = "nobody", "nogroup"


def icecast_argv(config: Path) -> list[str]:
    return ["icecast2", "-c", str(config)]


def icecast_config(
    settings: IcecastSettings,
    *,
    password: str,
    admin_password: str,
    origins: Sequence[str] = (),
    listeners: Path | None = None,
) -> str:
    """The text of icecast.xml. As root it becomes `UNPRIVILEGED`, whom no log folder of ours need let in:
    errors go to stderr, and who listens is not written down. Mounts are open to everybody, or with `listeners` to those
    that this file names (`listeners_file`)."""
    user, group = UNPRIVILEGED
    owner = f"<changeowner><user>{user}</user><group>{group}</group></changeowner>" if os.geteuid() == 0 else ""
    secret = escape(password)
    bind = f"<bind-address>{escape(settings.host)}</bind-address>" if settings.host else ""
    return f"""<icecast>
  <hostname>{escape(url_host(settings.reachable_host))}</hostname>
  <location>here</location>
  <admin>nobody@localhost</admin>
  <limits>
    <clients>{settings.max_clients}</clients>
    <sources>{settings.max_clients}</sources>
    <source-timeout>10</source-timeout>
    <burst-size>16384</burst-size>
  </limits>
  <authentication>
    <source-password>{secret}</source-password>
    <relay-password>{secret}</relay-password>
    <admin-user>admin</admin-user>
    <admin-password>{escape(admin_password)}</admin-password>
  </authentication>
  <listen-socket><port>{settings.port}</port>{bind}</listen-socket>
  {_headers(origins)}
  {_default_mount(listeners)}
  <paths>
    <logdir>/dev</logdir>
    <webroot>{WEB_ROOT}</webroot>
    <adminroot>{ADMIN_ROOT}</adminroot>
  </paths>
  <logging>
    <accesslog>null</accesslog>
    <errorlog>-</errorlog>
    <loglevel>2</loglevel>
  </logging>
  <security><chroot>0</chroot>{owner}</security>
</icecast>
"""


def listeners_file(token: str | None) -> str:
    """The users who may listen, as Icecast reads them: LISTENER with the node's token as the password, or nobody."""
    return f"{LISTENER}:{hashlib.md5(token.encode(), usedforsecurity=False).hexdigest()}\n" if token else ""


def _default_mount(listeners: Path | None) -> str:
    if listeners is None:
        return ""
    option = f'<option name="filename" value={quoteattr(str(listeners))} />'
    return f'<mount type="default"><authentication type="htpasswd">{option}</authentication></mount>'


def _headers(origins: Sequence[str]) -> str:
    """Allows scripts of the first of `origins`, a foreign web page, to read what is served: Icecast can name only one.

    Without it, pages can still play a mount in an audio element, as can every player.
    """
    if not origins:
        return ""
    return f'<http-headers><header name="Access-Control-Allow-Origin" value={quoteattr(origins[0])} /></http-headers>'
