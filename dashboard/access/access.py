"""All of access in one object, opened over the database of the page."""

from __future__ import annotations

from dashboard.access.accounts import Accounts
from dashboard.access.audit import Audit
from dashboard.access.sessions import Sessions
from dashboard.access.tables import MIGRATIONS, PART, VERSION, metadata
from dashboard.access.throttle import Throttle
from dashboard.history.database import Database, ensure_schema
from dashboard.settings import AccessSettings


class Access:
    """Accounts, their sessions, and the log.

    Args:
        database: The page's; tables are made where there are none.
        settings: How long sessions last and entries are kept.

    Attributes:
        accounts: Who may log in.
        sessions: Who is logged in.
        audit: Who looked and acted.
        throttle: Slows down who guesses.

    Raises:
        DatabaseError: The tables cannot be made, or are of another version.
    """

    def __init__(self, database: Database, settings: AccessSettings) -> None:
        ensure_schema(database, PART, VERSION, metadata, MIGRATIONS)
        self.accounts = Accounts(database)
        self.sessions = Sessions(database, settings.idle_min * 60, settings.session_h * 3600)
        self.audit = Audit(database, settings.audit_days)
        self.throttle = Throttle()
