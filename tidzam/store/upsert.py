"""Statements for rows that may exist already, which SQLite and PostgreSQL write alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tidzam.store.base import Base

AnyInsert = postgresql.Insert | sqlite.Insert


def table_of(row: type[Base]) -> Table:
    """The table of a class of rows."""
    assert isinstance(row.__table__, Table)
    return row.__table__


def insert_into(session: Session, row: type[Base]) -> AnyInsert:
    """An INSERT of the session's database, which can handle conflicts."""
    table, dialect = table_of(row), session.get_bind().dialect.name
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def insert_missing(session: Session, row: type[Base], values: Sequence[Mapping[str, Any]]) -> None:
    """Insert those rows that violate no unique constraint."""
    if values:
        session.execute(insert_into(session, row).on_conflict_do_nothing(), list(values))
