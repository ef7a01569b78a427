"""The e-mail about a performance: the score, with the PDF and, if it is wanted, the recording attached.

SMTP settings come from the environment:

    THEREMIN_SMTP_HOST       the server; without it nothing is sent
    THEREMIN_SMTP_PORT       587 by default; 465 with tls, 25 with none
    THEREMIN_SMTP_SECURITY   starttls (default), tls or none
    THEREMIN_SMTP_USER, THEREMIN_SMTP_PASSWORD
    THEREMIN_SMTP_FROM       the sender; THEREMIN_SMTP_USER by default
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Final

from tidzam.errors import ConfigError, NodeError

_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
_TIMEOUT_S: Final = 30.0
_TYPES: Final = {".pdf": ("application", "pdf"), ".wav": ("audio", "wav")}


@dataclass(frozen=True, kw_only=True)
class SmtpSettings:
    """A mail server."""

    host: str
    port: int
    security: str
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)


def smtp_settings(environment: Mapping[str, str]) -> SmtpSettings:
    """The settings in environment variables. Raises ConfigError with the variable that is missing or wrong."""
    found = {
        name: environment.get(f"THEREMIN_SMTP_{name}", "") for name in ("HOST", "PORT", "USER", "PASSWORD", "FROM")
    }
    security = environment.get("THEREMIN_SMTP_SECURITY", "starttls")
    if not found["HOST"]:
        raise ConfigError("THEREMIN_SMTP_HOST is not set.", hint="Set it to your mail server, or use --dry-run.")
    if security not in _PORTS:
        hint = "Set it to starttls, tls or none."
        raise ConfigError(f"THEREMIN_SMTP_SECURITY is {security!r}, expected starttls, tls or none.", hint=hint)
    port = found["PORT"] or str(_PORTS[security])
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError(f"THEREMIN_SMTP_PORT is {port!r}, expected 1 to 65535.", hint="Leave it out for the default.")
    sender = found["FROM"] or found["USER"]
    if "@" not in sender:
        raise ConfigError(f"The sender is {sender!r}, not an address.", hint="Set THEREMIN_SMTP_FROM.")
    return SmtpSettings(
        host=found["HOST"], port=int(port), security=security, sender=sender, user=found["USER"],
        password=found["PASSWORD"],
    )  # fmt: skip


def require_address(text: str) -> None:
    """Raises ConfigError if `text` is not one address, such as `name@example.org`."""
    if not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+", text):
        raise ConfigError(f"{text!r} is not an address.", hint="Write it as name@example.org.")


def message(*, sender: str, to: str, subject: str, text: str, files: tuple[Path, ...]) -> EmailMessage:
    """A message with attachments. Raises ConfigError if `to` is not an address."""
    require_address(to)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or None)
    mail.set_content(text)
    for file in files:
        kind, subtype = _TYPES[file.suffix]
        mail.add_attachment(file.read_bytes(), maintype=kind, subtype=subtype, filename=file.name)
    return mail


def send(mail: EmailMessage, settings: SmtpSettings) -> None:
    """Send a message. Raises NodeError if the server cannot be reached or refuses."""
    context = ssl.create_default_context()
    try:
        with _connection(settings, context) as server:
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.user and settings.password:
                server.login(settings.user, settings.password)
            server.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        where = f"{settings.host}:{settings.port}"
        raise NodeError(f"The e-mail was not sent by {where}: {_reason(error)}.", hint="It is in mail.eml.") from error


def _connection(settings: SmtpSettings, context: ssl.SSLContext) -> smtplib.SMTP:
    if settings.security == "tls":
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=_TIMEOUT_S, context=context)
    return smtplib.SMTP(settings.host, settings.port, timeout=_TIMEOUT_S)


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
    return str(error)
