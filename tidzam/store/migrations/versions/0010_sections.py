"""The loudest samples of a recording's sections, and an index by which recordings are counted per day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("recordings", sa.Column("section_peaks", sa.LargeBinary(), nullable=True))
    columns = ["source_id", "start", "end", "channels"]
    op.create_index("ix_recordings_source_id_start_end_channels", "recordings", columns)
    op.drop_index("ix_recordings_source_id_start", "recordings")
