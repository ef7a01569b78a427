"""The internals of python-socketio, python-engineio and aiohttp that the server uses."""

from __future__ import annotations

import asyncio
import inspect

import engineio
import socketio
from aiohttp import web
from engineio.async_drivers.aiohttp import _async as driver
from engineio.async_socket import AsyncSocket
from engineio.packet import MESSAGE, Packet

from tidzam.config.settings import LimitSettings
from tidzam.server.access import Access
from tidzam.server.authentication import Authentication
from tidzam.server.sessions import SendQueue
from tidzam.server.sockets import Sockets, packet_class
from tidzam.server.violations import Violations


def parameters(function: object) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]  # type: ignore[arg-type]


def test_socketio_calls_the_methods_that_we_override() -> None:
    server = socketio.AsyncServer
    assert parameters(server._handle_eio_connect) == ["eio_sid", "environ"]
    assert parameters(server._handle_eio_disconnect) == ["eio_sid", "reason"]
    assert parameters(server._handle_eio_message) == ["eio_sid", "data"]
    assert parameters(server._handle_connect) == ["eio_sid", "namespace", "data"]
    assert parameters(server._handle_event) == ["eio_sid", "namespace", "id", "data"]
    assert parameters(server._handle_ack) == ["eio_sid", "namespace", "id", "data"]
    assert parameters(server._handle_event_internal) == ["server", "sid", "eio_sid", "data", "namespace", "id"]
    assert parameters(server._trigger_event) == ["event", "namespace", "args"]
    assert socketio.AsyncServer().not_handled is not None
    assert parameters(server._send_packet) == ["eio_sid", "pkt"]
    assert inspect.iscoroutinefunction(server._send_packet)
    assert parameters(server._send_eio_packet) == ["eio_sid", "eio_pkt"]


async def test_our_parts_are_in_their_places() -> None:
    limits = LimitSettings()
    sockets = Sockets(Authentication(Access()), limits, Violations("test"), logger=False)
    assert isinstance(sockets.eio, engineio.AsyncServer)
    assert isinstance(AsyncSocket(sockets.eio, "sid").queue, SendQueue)
    assert isinstance(sockets.eio.sockets, dict)
    assert isinstance(sockets._binary_packet, dict)
    assert issubclass(sockets.packet_class, socketio.packet.Packet)
    assert sockets.manager.eio_sid_from_sid("nobody", "/") is None
    assert sockets.manager.sid_from_eio_sid("nobody", "/") is None
    assert list(sockets.manager.get_participants("/", None)) == []


def test_engineio_takes_a_driver() -> None:
    assert {"translate_request", "websocket", "make_response"} <= set(driver)
    source = inspect.getsource(engineio.AsyncServer.handle_request) + inspect.getsource(AsyncSocket)
    assert "iscoroutinefunction(translate_request)" in source
    assert "_async['websocket'](" in source
    assert parameters(AsyncSocket.close) == ["wait", "abort", "reason"]


def test_packets_decode_with_our_json() -> None:
    packet = packet_class(LimitSettings())(encoded_packet='2["sys",{"a":NaN}]')
    assert packet.data[0] == "sys"
    assert "NaN" in packet.data[1].reason


async def test_the_queue_counts_its_bytes() -> None:
    queue = SendQueue()
    queue.put_nowait(Packet(MESSAGE, "x" * 1000))
    queue.put_nowait(Packet(MESSAGE, b"y" * 500))
    assert queue.waiting_bytes == 1500
    await queue.get()
    assert (queue.waiting_bytes, queue.taken, queue.qsize()) == (500, 1, 1)
    assert {"_init", "_put", "_get"} <= set(dir(asyncio.Queue))


def test_aiohttps_server_is_a_protocol_factory() -> None:
    assert inspect.isdatadescriptor(web.AppRunner.server)
    assert callable(web.Server.__call__)
