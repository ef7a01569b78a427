"""REST: the state of the node, its logs, its disk and its versions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse

from console.services.node_files.disk import DiskReport
from console.services.node_files.logs import MOST_LINES, LogFile, LogLines
from console.services.node_state import NodeView
from console.services.versions import Versions, versions
from console.web.permissions import Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/node", tags=["Node"])

MANAGE = [needs(Permission.MANAGE)]
Program = Annotated[str, Path(max_length=64, description="Name of the program")]
_TEXT: dict[int | str, dict[str, Any]] = {200: {"description": "The log", "content": {"text/plain": {}}}}


@router.get("", dependencies=[needs(Permission.VIEW)])
def read_node(runtime: Runtime) -> NodeView:
    """The programs, sources and channels of the node, at most a few seconds old."""
    return runtime.monitor.view


@router.get("/logs", dependencies=MANAGE)
def list_logs(runtime: Runtime) -> tuple[LogFile, ...]:
    """The logs of the node's programs."""
    return runtime.logs.list_logs()


@router.get("/logs/{program}", dependencies=MANAGE)
def read_log(
    program: Program,
    runtime: Runtime,
    after: Annotated[str | None, Query(max_length=64, description="Position of an earlier answer")] = None,
    contains: Annotated[str, Query(max_length=200, description="Only lines that contain this text")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_LINES, description="Number of lines at most")] = 200,
) -> LogLines:
    """The newest lines of a log, or those that were written after a position. Credentials are hidden."""
    return runtime.logs.read(program, after=after, contains=contains, limit=limit)


@router.get("/logs/{program}/file", dependencies=MANAGE, response_class=StreamingResponse, responses=_TEXT)
def download_log(program: Program, runtime: Runtime) -> StreamingResponse:
    """All of the present log of a program. Credentials are hidden."""
    headers = {"Content-Disposition": f'attachment; filename="{program}.log"'}
    lines = runtime.logs.all_lines(program)
    return StreamingResponse(lines, media_type="text/plain; charset=utf-8", headers=headers)


@router.get("/disk", dependencies=MANAGE)
def read_disk(runtime: Runtime) -> DiskReport | None:
    """What takes up the disk, at most five minutes old; null if the node has no home."""
    return runtime.disk.report()


@router.get("/versions", dependencies=MANAGE)
def read_versions() -> Versions:
    """The versions of Tidzam, of the programs that it runs, and of its libraries."""
    return versions()
