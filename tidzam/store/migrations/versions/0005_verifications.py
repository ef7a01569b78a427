"""Verifications of detections, and marks on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("detections", sa.Column("is_marked", sa.Boolean(), server_default=sa.false(), nullable=False))
    for name, condition in (("marked", sa.text("is_marked")), ("judged", sa.text("verdict IS NOT NULL"))):
        op.create_index(
            f"ix_detections_{name}", "detections", ["start"], sqlite_where=condition, postgresql_where=condition
        )
    op.create_table(
        "verifications",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("detection_id", _KEY, nullable=False),
        sa.Column("user_id", _KEY, nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.SmallInteger(), nullable=False),
        sa.Column("class_id", _KEY, nullable=True),
        sa.ForeignKeyConstraint(
            ["detection_id"], ["detections.id"], name="fk_verifications_detection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_verifications_user_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name="fk_verifications_class_id"),
        sa.PrimaryKeyConstraint("id", name="pk_verifications"),
    )
    op.create_index("ix_verifications_detection_id", "verifications", ["detection_id"])
