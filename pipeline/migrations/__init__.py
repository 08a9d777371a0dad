"""Brings an older catalog up to the tables of this version. Loaded only when there is need."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from pipeline.errors import StoreError


def upgrade(engine: sa.Engine, found: str | None = None, to: str = "head") -> None:
    """Run the migrations that the catalog lacks; `found` is the revision it has, if any.

    Raises `StoreError` when the revision is not one of ours: a newer version wrote it.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"The catalog was written by a newer version (revision {found}).",
            str(engine.url.database),
            "install that version again, or restore the catalog from before the upgrade",
        )
    with engine.connect() as plain:
        tx = plain.execution_options(write=True)
        with tx.begin():
            config.attributes["connection"] = tx
            command.upgrade(config, to)
