"""Whether the ports of a profile are free."""

from __future__ import annotations

import os
import socket

import pytest

from tests.support.ports import free_port
from tidzam.config import Settings
from tidzam.errors import NodeError
from tidzam.node.ports import require_free_ports


def settings(host: str = "127.0.0.1") -> Settings:
    names = ("icecast", "stream_manager", "analyzer", "console")
    return Settings.model_validate({name: {"port": free_port(), "host": host} for name in names})


def test_free_ports_are_fine() -> None:
    require_free_ports(settings())


def test_a_taken_port_is_named_with_its_holder() -> None:
    wanted = settings()
    expected = rf"127.0.0.1:{wanted.analyzer.port} \(analyzer\).*pid {os.getpid()}"
    with socket.create_server(("127.0.0.1", wanted.analyzer.port)), pytest.raises(NodeError, match=expected):
        require_free_ports(wanted)


def test_ports_of_the_node_itself_do_not_keep_it_from_a_restart() -> None:
    wanted = settings()
    with socket.create_server(("127.0.0.1", wanted.analyzer.port)):
        require_free_ports(wanted, except_of=frozenset({os.getpid()}))


def test_an_address_of_another_machine_is_not_called_a_taken_port() -> None:
    with pytest.raises(NodeError, match=r"cannot listen on 192\.0\.2\.1") as refused:
        require_free_ports(settings("192.0.2.1"))
    assert "held by" not in refused.value.message


def test_a_taken_port_of_an_ipv6_address_is_named_in_brackets() -> None:
    wanted = settings("::1")
    require_free_ports(wanted)
    with (
        socket.create_server(("::1", wanted.analyzer.port), family=socket.AF_INET6),
        pytest.raises(NodeError, match=rf"\[::1\]:{wanted.analyzer.port} \(analyzer\)"),
    ):
        require_free_ports(wanted)
