"""What is recognized: classes in their hierarchy, and the models that recognize them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidzam.store.base import Base, Key


class ClassRow(Base):
    """A class, by its path from the root with `/` between labels. A label that has two parents is two classes."""

    __tablename__ = "classes"

    id: Mapped[Key]
    path: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("classes.id"))


class ModelRow(Base):
    """A version of a classifier's bundle. Both texts are empty for what an unknown one found."""

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: Mapped[Key]
    name: Mapped[str]
    version: Mapped[str]
