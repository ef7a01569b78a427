"""JACK's registry of servers: that killed ones keep no place in it, and that running ones keep theirs."""

from __future__ import annotations

from pathlib import Path

from tests.support.jack import jack_server
from tidzam.jack.server_names import clear_dead_servers

REGISTRY = Path("/dev/shm/jack-shm-registry")


def test_a_killed_server_keeps_no_name_and_a_running_one_keeps_its_own() -> None:
    with jack_server() as killed, jack_server() as runs:
        killed.kill()
        assert f":{killed.name}:".encode() in REGISTRY.read_bytes()
        assert killed.name in clear_dead_servers()
        assert f":{killed.name}:".encode() not in REGISTRY.read_bytes()
        assert f":{runs.name}:".encode() in REGISTRY.read_bytes()
        killed.start()  # its name can be taken again


def test_eight_killed_servers_do_not_keep_a_new_one_from_starting() -> None:
    for _ in range(8):
        with jack_server() as server:
            server.kill()
    with jack_server() as server:
        assert server.pid


def test_a_server_of_another_container_that_answers_keeps_its_name(tmp_path: Path) -> None:
    with jack_server() as server:
        registry = bytearray(REGISTRY.read_bytes())
        name = registry.index(f":{server.name}:".encode()) - len("jack-0")
        registry[name - 4 : name] = (2**22 + 1).to_bytes(4, "little")  # a process id that no process of ours has
        (tmp_path / REGISTRY.name).write_bytes(registry)
        for path in Path("/dev/shm").glob(f"jack_{server.name}_*"):
            (tmp_path / path.name).symlink_to(path)
        assert clear_dead_servers(tmp_path) == []
    assert clear_dead_servers(tmp_path) == [server.name]


def test_no_registry_and_a_damaged_one_are_no_fault(tmp_path: Path) -> None:
    assert clear_dead_servers(tmp_path) == []
    for content in (b"", b"jack-0:x:\0", b"\xff" * 100):
        (tmp_path / REGISTRY.name).write_bytes(content)
        assert clear_dead_servers(tmp_path) == []
