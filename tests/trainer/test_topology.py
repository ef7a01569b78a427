"""The processes of a cluster, from the command line."""

from __future__ import annotations

import pytest

from tidzam.errors import ConfigError
from trainer.topology import Member, parse_cluster


def test_the_original_command_line_says_who_one_is() -> None:
    cluster = parse_cluster(job_type="worker", task_index=1, ps="a:2222", workers="b:2222, c:2222")
    assert cluster.me == Member("worker", 1, "c:2222") and not cluster.coordinates
    assert [member.address for member in cluster.others] == ["a:2222", "b:2222"]
    assert cluster.me.device == "/job:worker/replica:0/task:1/device:CPU:0"
    assert parse_cluster(job_type="worker", task_index=0, ps="a:1", workers="b:1").coordinates


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"ps": ""}, "--ps names no address"),
        ({"workers": ""}, "--workers names no address"),
        ({"workers": "b:2222,c"}, "c is not host:port"),
        ({"ps": "a:70000"}, "a:70000 is not host:port"),
        ({"workers": "a:2222"}, "a:2222 is named twice"),
        ({"task_index": 2}, "--task-index 2 is none of 0…1"),
        ({"task_index": -1}, "--task-index -1"),
        ({"job_type": "chief"}, "not 'chief'"),
    ],
)
def test_mistakes_are_named(given: dict[str, object], told: str) -> None:
    right = {"job_type": "worker", "task_index": 0, "ps": "a:2222", "workers": "b:2222,c:2222"}
    with pytest.raises(ConfigError, match=told):
        parse_cluster(**{**right, **given})  # type: ignore[arg-type]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match="--ps names no address; c is not host:port"):
        parse_cluster(job_type="worker", task_index=0, ps="", workers="b:2222,c")
