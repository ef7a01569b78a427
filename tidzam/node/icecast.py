"""Command line and configuration of the Icecast server."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from tidzam.addresses import url_host
from tidzam.config.settings import IcecastSettings
from tidzam.icecast_passwords import LISTENER

WEB_ROOT = Path("/usr/share/icecast2/web")
ADMIN_ROOT = Path("/usr/share/icecast2/admin")
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
    """The text of icecast.xml. Started as root, Icecast changes to the user `UNPRIVILEGED`, which needs no access to
    the log folder: errors go to stderr, and accesses are not logged. Mounts are open to everybody, or with `listeners`
    to the users in that file (`listeners_file`)."""
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
    """Icecast's list of users: LISTENER with the token as password, or nobody without a token."""
    return f"{LISTENER}:{hashlib.md5(token.encode(), usedforsecurity=False).hexdigest()}\n" if token else ""


def _default_mount(listeners: Path | None) -> str:
    if listeners is None:
        return ""
    option = f'<option name="filename" value={quoteattr(str(listeners))} />'
    return f'<mount type="default"><authentication type="htpasswd">{option}</authentication></mount>'


def _headers(origins: Sequence[str]) -> str:
    """The CORS header for scripts of the first of `origins`; Icecast supports only one.

    Pages of other origins can still play a mount in an audio element.
    """
    if not origins:
        return ""
    return f'<http-headers><header name="Access-Control-Allow-Origin" value={quoteattr(origins[0])} /></http-headers>'
