"""REST: users."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from console.services import users
from console.services.models import ConsoleModel, UserView
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission, Role

router = APIRouter(prefix="/users", tags=["Users"], dependencies=[needs(Permission.ADMINISTER)])

NewPassword = Annotated[str, Field(min_length=1, max_length=200, description="Password of at least 10 characters")]


class NewUser(ConsoleModel):
    """A user to add."""

    name: Annotated[str, Field(min_length=1, max_length=64, description="Up to 64 letters, digits and . _ @ -")]
    role: Role = Field(Role.VIEWER, description="Role of the user")
    password: NewPassword | None = Field(
        None, description="Password of at least 10 characters; null for a user whom only a proxy logs in"
    )


class UserChange(ConsoleModel):
    """What to change of a user."""

    role: Role | None = Field(None, description="The new role; null leaves it")
    password: NewPassword | None = Field(None, description="The new password; null leaves it")


@router.get("")
def list_users(runtime: Runtime) -> tuple[UserView, ...]:
    """All users by name."""
    return users.list_users(runtime.store)


@router.post("", status_code=201)
def add_user(new: NewUser, visitor: CurrentVisitor, runtime: Runtime) -> UserView:
    """Add a user."""
    return users.add_user(runtime.store, visitor, new.name, new.role, new.password, now=runtime.now())


@router.patch("/{name}")
def change_user(name: str, change: UserChange, visitor: CurrentVisitor, runtime: Runtime) -> UserView:
    """Change the role or the password of a user. A new password ends the user's sessions and removes the API tokens."""
    return users.change_user(
        runtime.store, visitor, name, role=change.role, password=change.password, now=runtime.now()
    )


@router.delete("/{name}", status_code=204)
def remove_user(name: str, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Remove a user with all sessions and tokens."""
    users.remove_user(runtime.store, visitor, name, now=runtime.now())
    return Response(status_code=204)
