"""The counts of channels per hour, those per day in the order of channels, and counts without foreign keys.

The index of what was judged answers how often each class was judged how.

The rows that counts refer to are those that detections refer to, and these have foreign keys.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_KEYS = {
    "detection_hours": ("class_id", "local_hour", "channel_id", "model_id"),
    "detection_days": ("channel_id", "local_day", "class_id", "model_id"),
    "class_hours": ("local_hour", "class_id"),
    "class_days": ("local_day", "class_id"),
}


def upgrade() -> None:
    for name, key in _KEYS.items():
        op.execute(f"CREATE TABLE moved AS SELECT * FROM {name}")
        op.drop_table(name)
        _create(name, key)
        columns = ", ".join(key)
        op.execute(
            f"INSERT INTO {name} ({columns}, detections) SELECT {columns}, detections FROM moved ORDER BY {columns}"
        )
        op.drop_table("moved")
    key = ("channel_id", "local_hour")
    _create("channel_hours", key)
    columns = ", ".join(key)
    op.execute(
        f"INSERT INTO channel_hours ({columns}, detections) "
        f"SELECT {columns}, sum(detections) FROM detection_hours GROUP BY {columns} ORDER BY {columns}"
    )

    op.drop_index("ix_detections_judged", table_name="detections")
    is_judged = sa.text("verdict IS NOT NULL")
    columns_of_index = ["start", "class_id", "verdict"]
    op.create_index(
        "ix_detections_judged", "detections", columns_of_index, sqlite_where=is_judged, postgresql_where=is_judged
    )


def _create(name: str, key: Sequence[str]) -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        name,
        *(sa.Column(column, sa.Integer() if column.startswith("local_") else number, nullable=False) for column in key),
        sa.Column("detections", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"),
        sqlite_with_rowid=False,
    )
