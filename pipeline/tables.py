"""The tables of the catalog, declared once. `migrations/` brings an older catalog up to them.

The catalog holds everything that must move in one transaction with the events: which parts
exist, how far each source has been read, what became of its lines, and the content version of
every day. It holds no events and no salts.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

#: Alembic revision these tables correspond to.
REVISION = "0005"

sites = sa.Table(
    "sites",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("timezone", sa.String, nullable=False),
    sa.Column("views_from", sa.String, nullable=False, server_default="auto"),
)

#: `scope` is the site within which a source is known ("" for logs whose host chooses the site).
#: `offset` and `lines` count the decompressed content accounted for; `state` is what the parser
#: needs to go on from there.
sources = sa.Table(
    "sources",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("path", sa.String, nullable=False),
    sa.Column("format", sa.String, nullable=False),
    sa.Column("state", sa.JSON, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("lines", sa.BigInteger, nullable=False),
    sa.Column("end_digest", sa.LargeBinary, nullable=False),
    sa.Column("created", sa.DateTime, nullable=False),
    sa.Column("updated", sa.DateTime, nullable=False),
    # A number once given must never come back: parts still hold it.
    sqlite_autoincrement=True,
)

checkpoints = sa.Table(
    "checkpoints",
    metadata,
    sa.Column("source_id", sa.Integer, sa.ForeignKey("sources.id"), primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, index=True),
)

parts = sa.Table(
    "parts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("path", sa.String, nullable=False, unique=True),
    sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), nullable=False),
    sa.Column("date", sa.Date, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Index("parts_by_day", "site_id", "date"),
)

#: Line accounts: what became of the records of a source that were read on one day.
accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("source_id", sa.Integer, sa.ForeignKey("sources.id"), primary_key=True),
    sa.Column("read_date", sa.Date, primary_key=True),
    sa.Column("outcome", sa.String, primary_key=True),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("bots", sa.BigInteger, nullable=False),
)

#: The days a source has events in, so that it can be taken back.
source_days = sa.Table(
    "source_days",
    metadata,
    sa.Column("source_id", sa.Integer, sa.ForeignKey("sources.id"), primary_key=True),
    sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), primary_key=True),
    sa.Column("date", sa.Date, primary_key=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
)

rejects = sa.Table(
    "rejects",
    metadata,
    sa.Column("source_id", sa.Integer, sa.ForeignKey("sources.id"), primary_key=True),
    sa.Column("offset", sa.BigInteger, primary_key=True),
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
)

#: `version` moves with every change of a day's events, `built` is the version its statistics
#: were made from. `generations` counts the sealed ones: statistics whose raw events are gone.
days = sa.Table(
    "days",
    metadata,
    sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), primary_key=True),
    sa.Column("date", sa.Date, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("built", sa.Integer),
    sa.Column("generations", sa.Integer, nullable=False),
    sa.Column("salts", sa.Integer, nullable=False),
    sa.Column("imported", sa.DateTime, nullable=False),
)

daily = sa.Table(
    "daily",
    metadata,
    sa.Column("table", sa.String, primary_key=True),
    sa.Column("site_id", sa.Integer, sa.ForeignKey("sites.id"), primary_key=True),
    sa.Column("date", sa.Date, primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True),
    sa.Column("path", sa.String, nullable=False, index=True),
)

#: Files nothing refers to any more; deleted when readers that still have them open are done.
trash = sa.Table(
    "trash",
    metadata,
    sa.Column("path", sa.String, primary_key=True),
    sa.Column("since", sa.DateTime, nullable=False),
)

#: A writer whose lease has not run out owns every file that carries its name.
leases = sa.Table(
    "leases",
    metadata,
    sa.Column("writer", sa.String, primary_key=True),
    sa.Column("expires", sa.DateTime, nullable=False),
)

#: How the last run of each job of `jobs.py` went.
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("job", sa.String, primary_key=True),
    sa.Column("started", sa.DateTime, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("succeeded", sa.DateTime),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("message", sa.String, nullable=False),
)

#: Who may sign in. `version` moves with the password and at signing out: sessions of an older one
#: are over. Without a password nobody can sign in but by a link.
users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("password", sa.String),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created", sa.DateTime, nullable=False),
    # A number once given must never come back: sessions still hold it.
    sqlite_autoincrement=True,
)

#: `site` is a name, or * for all of them; it need not have records yet.
grants = sa.Table(
    "grants",
    metadata,
    sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("site", sa.String, primary_key=True),
    sa.Column("role", sa.String, nullable=False),
)

#: Of keys and links only the digest is kept: who reads the catalog can't use them.
api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("digest", sa.String, nullable=False, unique=True),
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("sites", sa.JSON, nullable=False),
    sa.Column("created", sa.DateTime, nullable=False),
    sa.Column("last_used", sa.DateTime),
    sqlite_autoincrement=True,
)

share_links = sa.Table(
    "share_links",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("digest", sa.String, nullable=False, unique=True),
    sa.Column("password", sa.String),
    sa.Column("filters", sa.JSON),
    sa.Column("expires", sa.DateTime),
    sa.Column("created", sa.DateTime, nullable=False),
    sa.Column("last_used", sa.DateTime),
    sqlite_autoincrement=True,
)

#: Links that work once: by one, a user without a password gives himself one. Without a user it
#: makes the first one.
setup_links = sa.Table(
    "setup_links",
    metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id")),
    sa.Column("expires", sa.DateTime, nullable=False),
)

#: Rules for what is not counted, beside those of the configuration; `kind` is a key of its
#: [exclude].
exclusions = sa.Table(
    "exclusions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("pattern", sa.String, nullable=False),
    sa.Column("created", sa.DateTime, nullable=False),
    sa.UniqueConstraint("kind", "pattern"),
)

#: Notes on days, which charts show.
notes = sa.Table(
    "notes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("date", sa.Date, nullable=False),
    sa.Column("text", sa.String, nullable=False),
    sa.Column("created", sa.DateTime, nullable=False),
    sa.Index("notes_by_day", "site", "date"),
)

#: Written and read by hand where Alembic need not be loaded; it has Alembic's own shape.
alembic_version = sa.Table(
    "alembic_version", metadata, sa.Column("version_num", sa.String(32), primary_key=True)
)
