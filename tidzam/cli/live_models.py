"""models reload, shadow, promote, rollback: the classifiers of the running analyzer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tidzam.cli.audited import record_command
from tidzam.cli.options import HomeOption, JsonOption, console, running_node, say
from tidzam.errors import NodeError
from tidzam.protocol.classifiers import CHANGE_TIMEOUT_S
from tidzam.protocol.shadow import MAX_PROMOTIONS, ShadowStatus
from tidzam.terminal import print_json

if TYPE_CHECKING:  # the database takes a quarter of a second to import
    from tidzam.accounts.audit import AuditAction

ModelsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Installed models, in place of the live classifiers.", show_default="none"),
]
FolderOption = Annotated[Path | None, typer.Option("--nn", help="Folder of bundles, in place of the live classifiers.")]
AddOption = Annotated[
    list[str] | None,
    typer.Option(help="Installed model beside the live classifiers. Repeatable.", show_default=False),
]
RemoveOption = Annotated[
    list[str] | None,
    typer.Option(help="Installed model that runs live, to leave out. Repeatable.", show_default=False),
]


def reload(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Have the running analyzer load its classifiers again; they take over without a gap.

    They are verified first. If they cannot be used, the old ones continue, and the reason is shown. The shadow, if
    there is one, is loaded again, too.
    """
    answer = _request(home, "reload", "")
    if as_json:
        print_json(answer)
        return
    taken = "new classifiers have taken over" if answer["changed"] else "the classifiers are unchanged"
    say(f"{taken}: {_versions(answer['bundles'])}")


def shadow(
    models: ModelsArgument = None,
    nn: FolderOption = None,
    add: AddOption = None,
    remove: RemoveOption = None,
    stop: Annotated[bool, typer.Option("--stop", help="End the shadow.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try other classifiers on live sound, beside the live ones; without arguments, show how the two differ."""
    from tidzam.accounts.audit import AuditAction

    wanted = _other_classifiers(models, nn, add, remove)
    if stop and wanted:
        raise typer.BadParameter("Name classifiers, or --stop.")
    if stop:
        _request(home, "shadow", {"stop": True})
        record_command(home, AuditAction.MODEL_SHADOW_ENDED, "")
        say("the shadow has ended")
        return
    if wanted:
        status = ShadowStatus.model_validate(_request(home, "shadow", wanted))
        _record(home, AuditAction.MODEL_SHADOWED, status.bundles)
    else:
        status = _shadow_status(home)
    if as_json:
        print_json(status.model_dump(mode="json"))
        return
    from tidzam.cli.shadow_tables import print_shadow

    print_shadow(console, status)


def promote(
    models: ModelsArgument = None,
    nn: FolderOption = None,
    add: AddOption = None,
    remove: RemoveOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let other classifiers take over from the live ones, without a gap; without arguments, those of the shadow.

    That shadow ends. They also run after a restart, until `analyzer.nn` or `analyzer.models` of the profile is changed.
    """
    from tidzam.accounts.audit import AuditAction

    wanted = _other_classifiers(models, nn, add, remove)
    answer = _request(home, "promote", wanted or "")
    _record(home, AuditAction.MODEL_PROMOTED, answer["bundles"])
    if as_json:
        print_json(answer)
        return
    whose = "other classifiers" if wanted else "the shadow's classifiers"
    say(f"{whose} have taken over: {_versions(answer['bundles'])}")
    say("tidzam models rollback returns to those before")


def rollback(
    promotions: Annotated[
        int, typer.Option(min=1, max=MAX_PROMOTIONS, help="How many of the last promotions to take back.")
    ] = 1,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the classifiers that ran before the last promotion, or several, take over again, without a gap."""
    from tidzam.accounts.audit import AuditAction

    answer = _request(home, "rollback", {"promotions": promotions})
    _record(home, AuditAction.MODEL_ROLLED_BACK, answer["bundles"])
    if as_json:
        print_json(answer)
        return
    taken_back = "the promotion" if promotions == 1 else f"the last {promotions} promotions"
    say(f"the classifiers before {taken_back} have taken over: {_versions(answer['bundles'])}")


def _other_classifiers(
    models: list[str] | None, nn: Path | None, add: list[str] | None, remove: list[str] | None
) -> dict[str, Any]:
    """The content of a request that names classifiers, empty if none is named. Raises typer.BadParameter."""
    if (models or nn) and (add or remove):
        raise typer.BadParameter("Name classifiers, or how they differ from the live ones.")
    if models or nn:
        return {"models": list(models or ()), "nn": None if nn is None else str(nn.absolute())}
    return {"add": list(add or ()), "remove": list(remove or ())} if add or remove else {}


def _record(home: Path | None, action: AuditAction, bundles: Mapping[str, str]) -> None:
    record_command(home, action, ", ".join(bundles), versions=_versions(bundles))


def _request(home: Path | None, command: str, content: Any) -> dict[str, Any]:
    """The analyzer's answer to a command about its classifiers."""
    from tidzam.node.sys_requests import request_sys

    wanted = {"classifier": {command: content}}
    return dict(request_sys(*running_node(home), "analyzer", wanted, timeout_s=CHANGE_TIMEOUT_S)["classifier"][command])


def _shadow_status(home: Path | None) -> ShadowStatus:
    from tidzam.node.status import node_status

    analyzer = node_status(*running_node(home), thorough=False).analyzer
    if analyzer is None:
        raise NodeError("The analyzer of the node does not answer.", hint="See `tidzam status`.")
    if analyzer.shadow is None:
        raise NodeError("No shadow is running.", hint="Name installed models, or a folder with --nn.", code="no_shadow")
    return analyzer.shadow


def _versions(bundles: Mapping[str, str]) -> str:
    return ", ".join(f"{name} (version {version})" for name, version in bundles.items())
