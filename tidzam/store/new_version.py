"""`python -m tidzam.store.new_version TOPIC`: write the next migration, which makes the tables what their classes say.

For developers. The file needs to be read, and often corrected, before it is committed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from tidzam.config.store import StoreSettings
from tidzam.store.database import open_store
from tidzam.store.migrate import MIGRATIONS, alembic_config, head


def write_version(topic: str) -> Path:
    """Write the migration from the newest version to the tables as they are. Returns its file."""
    number = f"{int(head()) + 1:04d}"
    name = topic.replace(" ", "_").lower()
    with (
        tempfile.TemporaryDirectory() as home,
        open_store(StoreSettings(), Path(home)) as store,
        store.writing_engine.begin() as connection,
    ):
        command.revision(alembic_config(connection), topic, autogenerate=True, rev_id=number)
    return MIGRATIONS / "versions" / f"{number}_{name}.py"


if __name__ == "__main__":
    print(write_version(" ".join(sys.argv[1:])))
