"""The tables of accounts, logins and the audit log, beside those of the history in the same database."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from dashboard.history.database import Migration

PART: Final = "access"
VERSION: Final = 2

metadata = MetaData()

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("password", String(255), nullable=False),
    Column("roles", String(100), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)
"""``password``: an argon2id hash. ``roles``: with commas between them. ``changed_ms``: of the password."""

account_rooms = Table(
    "account_rooms",
    metadata,
    Column("account_id", Integer, ForeignKey("accounts.id"), primary_key=True),
    Column("site", String(64), primary_key=True),
    Column("device", String(64), primary_key=True),
)
"""The rooms of teachers."""

logins = Table(
    "logins",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("account_id", Integer, ForeignKey("accounts.id"), nullable=False),
    Column("begun_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Index("logins_by_account", "account_id"),
)
"""Sessions of browsers. ``token``: SHA-256 of what the browser's cookie holds, who reads the table has no session."""

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("site", String(64), nullable=False),
    Column("device", String(64), nullable=False),
    Column("detail", String(300), nullable=False),
    Column("parts", Text, nullable=False, server_default=""),
    Index("audit_by_time", "at_ms"),
)
"""Who did what from where. ``who`` is a name and no number: the log outlives accounts. ``parts`` is ``detail`` once
more, so that it can be translated; empty in entries of an older version."""


def _add_parts(connection: Connection) -> None:
    """From version 2 on, details of the log can be translated."""
    connection.execute(text("ALTER TABLE audit ADD COLUMN parts TEXT NOT NULL DEFAULT ''"))


MIGRATIONS: Final[dict[int, Migration]] = {1: _add_parts}
"""What makes the tables of a version those of the next one."""
