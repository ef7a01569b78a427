"""Annotations and their tags."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "tags",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tags"),
        sa.UniqueConstraint("name", name="uq_tags_name"),
    )
    op.create_table(
        "annotations",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("channel_id", _KEY, nullable=False),
        sa.Column("tag_id", _KEY, nullable=False),
        sa.Column("user_id", _KEY, nullable=True),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("local_day", sa.Integer(), nullable=False),
        sa.Column("low_hz", sa.Double(), nullable=True),
        sa.Column("high_hz", sa.Double(), nullable=True),
        sa.Column("origin", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_annotations_channel_id"),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name="fk_annotations_tag_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_annotations_user_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_annotations"),
    )
    for columns in (("start",), ("channel_id", "start"), ("tag_id", "start"), ("channel_id", "local_day", "tag_id")):
        op.create_index(f"ix_annotations_{'_'.join(columns)}", "annotations", list(columns))
