"""Nodes, sources and channels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "nodes",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_nodes"),
        sa.UniqueConstraint("name", name="uq_nodes_name"),
    )
    op.create_table(
        "sources",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("node_id", _KEY, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name="fk_sources_node_id"),
        sa.UniqueConstraint("node_id", "name", name="uq_sources_node_id_name"),
    )
    op.create_table(
        "channels",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("source_id", _KEY, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_channels"),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_channels_source_id"),
        sa.UniqueConstraint("source_id", "name", name="uq_channels_source_id_name"),
    )
