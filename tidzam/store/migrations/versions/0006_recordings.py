"""Recordings, gaps, and when sources were loaded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("source_id", _KEY, nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("max_amp", sa.REAL(), nullable=True),
        sa.Column("is_segment", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_recordings_source_id"),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
        sa.UniqueConstraint("source_id", "path", name="uq_recordings_source_id_path"),
    )
    op.create_index("ix_recordings_source_id_start", "recordings", ["source_id", "start"])
    op.create_table(
        "gaps",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("node_id", _KEY, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name="fk_gaps_node_id"),
        sa.PrimaryKeyConstraint("id", name="pk_gaps"),
        sa.UniqueConstraint("node_id", "channel", "reason", "start", name="uq_gaps_node_id_channel_reason_start"),
    )
    op.create_index("ix_gaps_start", "gaps", ["start"])
    op.create_table(
        "loaded",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("node_id", _KEY, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["nodes.id"], name="fk_loaded_node_id"),
        sa.PrimaryKeyConstraint("id", name="pk_loaded"),
        sa.UniqueConstraint("node_id", "source", "start", name="uq_loaded_node_id_source_start"),
    )
    op.create_index("ix_loaded_start", "loaded", ["start"])
