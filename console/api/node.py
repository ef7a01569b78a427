"""REST: the state of the node."""

from __future__ import annotations

from fastapi import APIRouter

from console.services.node_state import NodeView
from console.web.permissions import Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/node", tags=["Node"])


@router.get("", dependencies=[needs(Permission.VIEW)])
def read_node(runtime: Runtime) -> NodeView:
    """The programs, sources and channels of the node, at most a few seconds old."""
    return runtime.monitor.view
