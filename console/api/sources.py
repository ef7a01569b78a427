"""REST: sources."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from console.services.models import ConsoleModel
from console.services.sources.changes import NewSource, SourceChange, SourceTest
from console.services.sources.views import ManagedSource, SourceOverview
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission
from tidzam.protocol.source_status import SourceProbe, TransitionList

router = APIRouter(prefix="/sources", tags=["Sources"])

VIEW = [needs(Permission.VIEW)]
MANAGE = [needs(Permission.MANAGE)]
Name = Annotated[str, Path(max_length=59, description="Name of the source")]


class RecordingSwitch(ConsoleModel):
    """Whether a source is to be recorded."""

    on: bool = Field(description="Whether it is recorded from now on")


@router.get("", dependencies=VIEW)
def list_sources(runtime: Runtime) -> SourceOverview:
    """All sources with their states, at most a few seconds old."""
    return runtime.sources.overview


@router.post("", status_code=201, dependencies=MANAGE)
async def add_source(new: NewSource, visitor: CurrentVisitor, runtime: Runtime) -> ManagedSource:
    """Test an address and load it as a source, which remains after a restart. This may take half a minute."""
    return await runtime.sources.add(visitor, new)


@router.post("/test", dependencies=MANAGE)
async def test_source(wanted: SourceTest, runtime: Runtime) -> SourceProbe:
    """Find out what is at an address, without loading it. This may take 25 seconds."""
    return await runtime.sources.test(wanted)


@router.get("/{name}", dependencies=VIEW)
def read_source(name: Name, runtime: Runtime) -> ManagedSource:
    """A source."""
    return runtime.sources.find(name)


@router.get("/{name}/transitions", dependencies=VIEW)
async def read_transitions(name: Name, runtime: Runtime) -> TransitionList:
    """The last 100 transitions of a source from one state to another, the oldest first."""
    return await runtime.sources.transitions(name)


@router.put("/{name}", dependencies=MANAGE)
async def change_source(name: Name, change: SourceChange, visitor: CurrentVisitor, runtime: Runtime) -> ManagedSource:
    """Test an address and load it in place of what a source plays. One of the profile is replaced until this one is
    removed."""
    return await runtime.sources.change(visitor, name, change)


@router.delete("/{name}", status_code=204, dependencies=MANAGE)
async def remove_source(name: Name, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Unload a source, and forget it if it was added. One of the profile returns when the node restarts."""
    await runtime.sources.remove(visitor, name)
    return Response(status_code=204)


@router.post("/{name}/reload", status_code=204, dependencies=MANAGE)
async def reload_source(name: Name, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Load a source of the profile again, as the profile has it."""
    await runtime.sources.reload(visitor, name)
    return Response(status_code=204)


@router.put("/{name}/recording", status_code=204, dependencies=MANAGE)
async def switch_recording(name: Name, switch: RecordingSwitch, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Record a source from now on, or no longer. The state of the switch survives restarts."""
    await runtime.sources.switch_recording(visitor, name, on=switch.on)
    return Response(status_code=204)
