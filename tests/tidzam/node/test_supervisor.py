"""supervisord's configuration, and the command lines it runs."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path

import pytest

from tidzam.config import Settings
from tidzam.config.settings import IcecastSettings, JackSettings
from tidzam.errors import NodeError, SetupError
from tidzam.node.home import Home, find_home
from tidzam.node.icecast import icecast_config
from tidzam.node.jackd import jackd_argv
from tidzam.node.prepare import programs
from tidzam.node.supervisor import Program, supervisor_config


def parsed(home: Home, *wanted: Program) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(supervisor_config(home, wanted))
    return parser


def test_words_with_blanks_quotes_and_percents_survive(tmp_path: Path) -> None:
    program = Program("p", ("run", 'a "b" 100%', "c d"), {"SECRET": "x%y, z"})
    section = parsed(Home(tmp_path / "a 50% home"), program)["program:p"]
    words = shlex.split(section["command"].replace("%%", "%"))
    assert words[words.index("--") + 1 :] == list(program.argv)
    assert section["environment"] == 'SECRET="x%%y, z"'
    assert section["stdout_logfile"].endswith("a 50%% home/logs/p.log")


def test_a_node_is_four_programs_with_ports_and_server_from_the_profile(tmp_path: Path) -> None:
    settings = Settings(jack=JackSettings(server="pond"))
    node = {program.name: program for program in programs(Home(tmp_path), settings, {"PASSWORD": "secret"})}
    assert list(node) == ["jackd", "icecast", "stream_manager", "analyzer"]
    assert all(program.env["TIDZAM_NODE"] == str(tmp_path) for program in node.values())
    assert node["analyzer"].env["JACK_DEFAULT_SERVER"] == "pond"
    assert "secret" not in " ".join(word for program in node.values() for word in program.argv)
    assert [name for name, program in node.items() if "secret" in program.env.values()] == ["stream_manager"]


def test_jackd_runs_asynchronous_without_real_time_scheduling() -> None:
    assert jackd_argv(JackSettings(server="s", rate_hz=48000, period=1024, driver="alsa,-dhw:0")) == [
        "jackd",
        "--name=s",
        "--no-realtime",
        "--port-max=2048",
        "-t500",
        "-dalsa",
        "-r48000",
        "-p1024",
        "-dhw:0",
    ]


def test_a_password_cannot_break_out_of_the_icecast_configuration() -> None:
    text = icecast_config(IcecastSettings(), password="a<b&c", admin_password="d<e&f")
    assert "<source-password>a&lt;b&amp;c</source-password>" in text
    assert "<admin-password>d&lt;e&amp;f</admin-password>" in text


def test_a_long_home_gets_a_socket_that_fits(tmp_path: Path) -> None:
    deep = Home(tmp_path / ("d" * 120))
    assert len(str(deep.supervisor_socket)) < 100
    assert deep.supervisor_socket != Home(tmp_path / ("e" * 120)).supervisor_socket
    assert Home(Path("/h")).supervisor_socket == Path("/h/supervisor.sock")


def test_the_home_is_what_was_told_then_the_environment_then_the_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path / "profile")
    monkeypatch.delenv("TIDZAM_HOME", raising=False)
    assert find_home(None, settings).root == tmp_path / "profile"
    monkeypatch.setenv("TIDZAM_HOME", str(tmp_path / "env"))
    assert find_home(None, settings).root == tmp_path / "env"
    assert find_home(tmp_path / "told", settings).root == tmp_path / "told"


def test_a_home_without_a_node_says_so(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="no node"):
        Home(tmp_path).settings()


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidzam.node.home.NEEDED_BYTES", 10**18)
    with pytest.raises(SetupError, match="full") as caught:
        Home(tmp_path).require_space()
    assert caught.value.code == "disk_full"
