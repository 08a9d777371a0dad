"""Exclusions that are made in the web application, and notes on days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "exclusions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("pattern", sa.String, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.UniqueConstraint("kind", "pattern"),
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("site", sa.String, nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Index("notes_by_day", "site", "date"),
    )
