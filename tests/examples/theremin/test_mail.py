"""The e-mail about a performance, received by a real SMTP server."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from examples.theremin.mail import message, send, smtp_settings
from tests.support.ports import free_port
from tidzam.errors import ConfigError, NodeError


class Inbox:
    """Keeps what it receives; refuses mail to anybody whose name is `nobody`."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody@"):
            return "550 There is nobody"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.recipients += envelope.rcpt_tos
        received = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(received, EmailMessage)
        self.messages.append(received)
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, dict[str, str]]]:
    """An SMTP server, and the environment that leads to it."""
    kept, port = Inbox(), free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, environment(port)
    controller.stop()


def environment(port: int, **more: str) -> dict[str, str]:
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "SECURITY": "none", "FROM": "theremin@example.org", **more}
    return {f"THEREMIN_SMTP_{name}": value for name, value in settings.items()}


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "notes.pdf"
    path.write_bytes(b"%PDF-1.4 notes")
    return path


def mail_to(to: str, *files: Path) -> EmailMessage:
    return message(sender="theremin@example.org", to=to, subject="Ode to Joy: 97", text="97 of 100\n", files=files)


def test_a_message_arrives_with_its_attachments(inbox: tuple[Inbox, dict[str, str]], pdf: Path) -> None:
    kept, settings = inbox
    send(mail_to("player@example.org", pdf), smtp_settings(settings))
    (received,) = kept.messages
    assert (kept.recipients, received["Subject"]) == (["player@example.org"], "Ode to Joy: 97")
    text = received.get_body()
    assert text is not None
    assert text.get_content().strip() == "97 of 100"
    (attached,) = received.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("notes.pdf", "application/pdf")
    assert attached.get_content() == pdf.read_bytes()


def test_a_server_that_refuses_is_an_error_with_its_reason(inbox: tuple[Inbox, dict[str, str]]) -> None:
    with pytest.raises(NodeError, match="nobody"):
        send(mail_to("nobody@example.org"), smtp_settings(inbox[1]))


def test_a_server_without_encryption_is_not_used_where_it_is_required(inbox: tuple[Inbox, dict[str, str]]) -> None:
    settings = smtp_settings({**inbox[1], "THEREMIN_SMTP_SECURITY": "starttls"})
    with pytest.raises(NodeError, match="not sent"):
        send(mail_to("player@example.org"), settings)
    assert inbox[0].messages == []


def test_a_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(NodeError, match="not sent"):
        send(mail_to("player@example.org"), smtp_settings(environment(free_port())))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"HOST": ""}, "HOST is not set"),
        ({"SECURITY": "ssl"}, "'ssl'"),
        ({"PORT": "70000"}, "'70000'"),
        ({"PORT": "smtp"}, "'smtp'"),
        ({"FROM": ""}, "not an address"),
    ],
)
def test_wrong_settings_are_refused_by_name(change: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        smtp_settings(environment(25, **change))


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_each_kind_of_connection_has_its_port(security: str, port: int) -> None:
    assert smtp_settings(environment(0, PORT="", SECURITY=security)).port == port


def test_the_sender_is_the_user_by_default_and_the_password_is_not_shown() -> None:
    settings = smtp_settings(environment(25, FROM="", USER="me@example.org", PASSWORD="secret"))
    assert settings.sender == "me@example.org"
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("to", ["a@example.org\nBcc: b@example.org", "@@"])
def test_an_address_that_is_none_is_refused(to: str) -> None:
    with pytest.raises(ConfigError):
        mail_to(to)
