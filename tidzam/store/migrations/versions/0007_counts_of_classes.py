"""The counts of classes over all channels and models, per hour and day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for unit in ("hour", "day"):
        op.create_table(
            f"class_{unit}s",
            sa.Column(f"local_{unit}", sa.Integer(), nullable=False),
            sa.Column("class_id", _KEY, nullable=False),
            sa.Column("detections", sa.Integer(), nullable=False),
            sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name=f"fk_class_{unit}s_class_id"),
            sa.PrimaryKeyConstraint(f"local_{unit}", "class_id", name=f"pk_class_{unit}s"),
            sqlite_with_rowid=False,
        )
        op.execute(
            f"INSERT INTO class_{unit}s (local_{unit}, class_id, detections) "
            f"SELECT local_{unit}, class_id, sum(detections) FROM detection_{unit}s GROUP BY local_{unit}, class_id"
        )
