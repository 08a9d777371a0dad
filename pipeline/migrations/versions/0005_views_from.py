"""What tells of a site's views."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column(
        "sites", sa.Column("views_from", sa.String, nullable=False, server_default="auto")
    )
