"""models reload: the classifiers of the running analyzer, loaded again from their folders."""

from __future__ import annotations

from typing import Any, Final

from tidzam.cli.options import HomeOption, JsonOption, running_node, say
from tidzam.terminal import print_json

TIMEOUT_S: Final = 300.0
"""Trying a large network takes up to a minute on a busy machine."""


def reload(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Have the running analyzer load its classifiers again; they take over without a gap.

    They are verified first. If they cannot be used, the old ones continue, and the reason is shown.
    """
    from tidzam.cli.node_requests import request_sys

    answer = request_sys(*running_node(home), "analyzer", {"classifier": {"reload": ""}}, timeout_s=TIMEOUT_S)[
        "classifier"
    ]["reload"]
    if as_json:
        print_json(answer)
        return
    taken = "new classifiers have taken over" if answer["changed"] else "the classifiers are unchanged"
    say(f"{taken}: {_versions(answer)}")


def _versions(answer: dict[str, Any]) -> str:
    return ", ".join(f"{name} (version {version})" for name, version in answer["bundles"].items())
