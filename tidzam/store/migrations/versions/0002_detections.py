"""Classes, models, detections, and the counts of these."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "classes",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("parent_id", _KEY, nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["classes.id"], name="fk_classes_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_classes"),
        sa.UniqueConstraint("path", name="uq_classes_path"),
    )
    op.create_table(
        "models",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
        sa.UniqueConstraint("name", "version", name="uq_models_name_version"),
    )
    op.create_table(
        "detection_days",
        sa.Column("local_day", sa.Integer(), nullable=False),
        sa.Column("class_id", _KEY, nullable=False),
        sa.Column("channel_id", _KEY, nullable=False),
        sa.Column("model_id", _KEY, nullable=False),
        sa.Column("detections", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_detection_days_channel_id"),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name="fk_detection_days_class_id"),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_detection_days_model_id"),
        sa.PrimaryKeyConstraint("local_day", "class_id", "channel_id", "model_id", name="pk_detection_days"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "detection_hours",
        sa.Column("class_id", _KEY, nullable=False),
        sa.Column("local_hour", sa.Integer(), nullable=False),
        sa.Column("channel_id", _KEY, nullable=False),
        sa.Column("model_id", _KEY, nullable=False),
        sa.Column("detections", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_detection_hours_channel_id"),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name="fk_detection_hours_class_id"),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_detection_hours_model_id"),
        sa.PrimaryKeyConstraint("class_id", "local_hour", "channel_id", "model_id", name="pk_detection_hours"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "detections",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("event_key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("channel_id", _KEY, nullable=False),
        sa.Column("class_id", _KEY, nullable=False),
        sa.Column("model_id", _KEY, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("local_hour", sa.Integer(), nullable=False),
        sa.Column("day_part", sa.SmallInteger(), nullable=True),
        sa.Column("peak_probability", sa.REAL(), nullable=False),
        sa.Column("mean_probability", sa.REAL(), nullable=False),
        sa.Column("windows", sa.Integer(), nullable=False),
        sa.Column("level_dbfs", sa.REAL(), nullable=True),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.SmallInteger(), nullable=True),
        sa.Column("clip", sa.String(), nullable=True),
        sa.Column("channels", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_detections_channel_id"),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name="fk_detections_class_id"),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_detections_model_id"),
        sa.PrimaryKeyConstraint("id", name="pk_detections"),
        sa.UniqueConstraint("event_key", name="uq_detections_event_key"),
    )
    op.create_index("ix_detections_channel_id_start", "detections", ["channel_id", "start"])
    op.create_index("ix_detections_class_id_start", "detections", ["class_id", "start"])
    op.create_index("ix_detections_start", "detections", ["start"])
