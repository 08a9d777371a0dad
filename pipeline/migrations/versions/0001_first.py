"""The first catalog."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _key(name: str, kind: type[sa.types.TypeEngine[Any]], target: str = "") -> sa.Column[Any]:
    keys = [sa.ForeignKey(target)] if target else []
    return sa.Column(name, kind, *keys, primary_key=True)


def _column(name: str, kind: type[sa.types.TypeEngine[Any]]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    op.create_table(
        "sites",
        _key("id", sa.Integer),
        sa.Column("name", sa.String, nullable=False, unique=True),
        _column("timezone", sa.String),
    )
    op.create_table(
        "sources",
        _key("id", sa.Integer),
        _column("scope", sa.String),
        _column("path", sa.String),
        _column("format", sa.String),
        _column("state", sa.JSON),
        _column("offset", sa.BigInteger),
        _column("lines", sa.BigInteger),
        _column("end_digest", sa.LargeBinary),
        _column("created", sa.DateTime),
        _column("updated", sa.DateTime),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "checkpoints",
        _key("source_id", sa.Integer, "sources.id"),
        _key("position", sa.BigInteger),
        sa.Column("digest", sa.LargeBinary, nullable=False, index=True),
    )
    op.create_table(
        "parts",
        _key("id", sa.Integer),
        sa.Column("path", sa.String, nullable=False, unique=True),
        sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), nullable=False),
        _column("date", sa.Date),
        _column("rows", sa.BigInteger),
        _column("bytes", sa.BigInteger),
    )
    op.create_index("parts_by_day", "parts", ["site_id", "date"])
    _create_ledger()
    _create_days()


def _create_ledger() -> None:
    op.create_table(
        "accounts",
        _key("source_id", sa.Integer, "sources.id"),
        _key("read_date", sa.Date),
        _key("outcome", sa.String),
        _column("records", sa.BigInteger),
        _column("bots", sa.BigInteger),
    )
    op.create_table(
        "source_days",
        _key("source_id", sa.Integer, "sources.id"),
        _key("site_id", sa.Integer, "sites.id"),
        _key("date", sa.Date),
        _column("rows", sa.BigInteger),
    )
    op.create_table(
        "rejects",
        _key("source_id", sa.Integer, "sources.id"),
        _key("offset", sa.BigInteger),
        _column("length", sa.BigInteger),
        _column("reason", sa.String),
    )


def _create_days() -> None:
    op.create_table(
        "days",
        _key("site_id", sa.Integer, "sites.id"),
        _key("date", sa.Date),
        _column("version", sa.Integer),
        sa.Column("built", sa.Integer),
        _column("generations", sa.Integer),
        _column("salts", sa.Integer),
        _column("imported", sa.DateTime),
    )
    op.create_table(
        "daily",
        _key("table", sa.String),
        _key("site_id", sa.Integer, "sites.id"),
        _key("date", sa.Date),
        _key("generation", sa.Integer),
        sa.Column("path", sa.String, nullable=False, index=True),
    )
    op.create_table("trash", _key("path", sa.String), _column("since", sa.DateTime))
    op.create_table("leases", _key("writer", sa.String), _column("expires", sa.DateTime))
