"""The processes of a cluster, from the command line."""

from __future__ import annotations

import pytest

from tidzam.errors import ConfigError
from trainer.topology import Member, parse_cluster


def test_the_command_line_describes_the_cluster() -> None:
    cluster = parse_cluster(job_type="worker", task_index=1, ps="a:2222", workers="b:2222, c:2222")
    assert cluster.me == Member("worker", 1, "c:2222")
    assert not cluster.coordinates
    assert [member.address for member in cluster.others] == ["a:2222", "b:2222"]
    assert cluster.me.device == "/job:worker/replica:0/task:1/device:CPU:0"
    assert parse_cluster(job_type="worker", task_index=0, ps="a:1", workers="b:1").coordinates


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ps": ""}, "--ps contains no address"),
        ({"workers": ""}, "--workers contains no address"),
        ({"workers": "b:2222,c"}, "c is not HOST:PORT"),
        ({"ps": "a:70000"}, "a:70000 is not HOST:PORT"),
        ({"workers": "a:2222"}, "a:2222 is listed twice"),
        ({"task_index": 2}, r"--task-index 2 is out of range: --workers lists 2 processes \(0-1\)"),
        ({"task_index": -1}, "--task-index -1"),
        ({"job_type": "chief"}, "--job-type is 'chief', expected ps or worker"),
    ],
)
def test_mistakes_are_reported(given: dict[str, object], message: str) -> None:
    right = {"job_type": "worker", "task_index": 0, "ps": "a:2222", "workers": "b:2222,c:2222"}
    with pytest.raises(ConfigError, match=message):
        parse_cluster(**{**right, **given})  # type: ignore[arg-type]


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(ConfigError, match="--ps contains no address; c is not HOST:PORT"):
        parse_cluster(job_type="worker", task_index=0, ps="", workers="b:2222,c")
