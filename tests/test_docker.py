"""The container files say what the programs understand: their options, addresses that exist, files that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from trainer.cli import cli
from trainer.topology import Cluster, parse_cluster

ROOT = Path(__file__).parent.parent
DOCKER = ROOT / "docker"


def understood(arguments: list[str]) -> Cluster:
    """The cluster that a trainer's command line describes; every option of it must be one of the trainer's."""
    options = {option for parameter in get_command(cli).params for option in parameter.opts}
    said = dict(argument.split("=", 1) for argument in arguments)
    assert set(said) <= options
    return parse_cluster(
        job_type=said["--job-type"], task_index=int(said["--task-index"]), ps=said["--ps"], workers=said["--workers"]
    )


def test_the_compose_file_starts_each_member_of_one_cluster_where_the_others_look_for_it() -> None:
    services: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
    members = {name: understood(service["command"]) for name, service in services.items()}
    assert {f"{name}:2222" for name in members} == {member.address for member in members["ps0"].all_members}
    for name, cluster in members.items():
        assert cluster.me.address == f"{name}:2222"
        assert cluster.all_members == members["ps0"].all_members


def jobs() -> dict[str, Any]:
    documents = yaml.safe_load_all((DOCKER / "kubernetes" / "training.yaml").read_text())
    return {document["metadata"]["name"]: document for document in documents}


@pytest.mark.parametrize("name", ["ps", "worker"])
def test_each_pod_is_the_member_that_its_name_says(name: str) -> None:
    documents = jobs()
    spec = documents[name]["spec"]
    assert documents["training"]["kind"] == "Service"
    assert spec["completionMode"] == "Indexed"
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    for index in range(spec["completions"]):
        arguments = [argument.replace("$(TASK_INDEX)", str(index)) for argument in container["args"]]
        assert understood(arguments).me.address == f"{name}-{index}.{pod['subdomain']}:2222"
    claims = {volume["persistentVolumeClaim"]["claimName"] for volume in pod.get("volumes", [])}
    storage = yaml.safe_load_all((DOCKER / "kubernetes" / "storage.yaml").read_text())
    assert claims <= {document["metadata"]["name"] for document in storage}


def test_the_image_is_made_of_files_that_are_there() -> None:
    lines = (DOCKER / "Dockerfile").read_text().splitlines()
    copied = [source for line in lines if line.startswith("COPY ") for source in line.split()[1:-1]]
    assert copied
    assert all((ROOT / source).exists() for source in copied)
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"} <= set(copied)
