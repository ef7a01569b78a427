"""The detections that are open, to be found quickly."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    is_open = sa.text("is_open")
    op.create_index("ix_detections_open", "detections", ["channel_id"], sqlite_where=is_open, postgresql_where=is_open)
