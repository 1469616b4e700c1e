"""Sessions of browsers: who is logged in, and when that ends."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from dashboard.access.accounts import Account, read_account
from dashboard.access.tables import accounts, logins
from dashboard.history.database import Database

_TOKEN_BYTES: Final = 32
_TOUCH_S: Final = 60.0
"""How often a session's last use is noted: not at every request, each of which would be a write."""
_CLOCK_S: Final = 300.0
"""A session from further in the future than this was begun by a clock that was wrong."""
_MAX_PER_ACCOUNT: Final = 20


class Sessions:
    """The sessions in a database. Every method may raise :class:`DatabaseError`.

    Args:
        database: Where they are.
        idle_s: A session that is not used for so long has ended.
        absolute_s: So long after its begin every session has ended.
    """

    def __init__(self, database: Database, idle_s: float, absolute_s: float) -> None:
        self._database = database
        self.idle_s, self.absolute_s = idle_s, absolute_s

    def begin(self, account: Account, now: float, *, replaces: str = "") -> str:
        """Begin a session; returns what the browser is to show from now on, a secret.

        Args:
            account: Whose.
            now: Unix time.
            replaces: What the browser has shown until now. It ends, so that nobody can have planted it.
        """
        token, now_ms = secrets.token_urlsafe(_TOKEN_BYTES), round(now * 1000)
        with self._database.writing() as connection:
            connection.execute(delete(logins).where(or_(logins.c.token == _hash(replaces), self._ended(now))))
            own = select(logins.c.token).where(logins.c.account_id == account.number).order_by(logins.c.seen_ms.desc())
            for old in connection.scalars(own.offset(_MAX_PER_ACCOUNT - 1)).all():
                connection.execute(delete(logins).where(logins.c.token == old))
            row = {"token": _hash(token), "account_id": account.number, "begun_ms": now_ms, "seen_ms": now_ms}
            connection.execute(insert(logins).values(row))
        return token

    def account_of(self, token: str, now: float, *, used: bool = True) -> Account | None:
        """Whose session it is; ``None`` where there is none, or it has ended.

        Args:
            token: What the browser shows.
            now: Unix time.
            used: Whether this counts as use of the session.
        """
        if not token:
            return None
        hashed = _hash(token)
        with self._database.reading() as connection:
            query = select(accounts, logins.c.seen_ms.label("seen_ms")).join(
                logins, logins.c.account_id == accounts.c.id
            )
            row = connection.execute(query.where(logins.c.token == hashed, ~self._ended(now))).first()
            account = read_account(connection, row) if row is not None else None
        if row is not None and used and now - row.seen_ms / 1000 > min(_TOUCH_S, self.idle_s / 4):
            with self._database.writing() as connection:
                query_touch = update(logins).where(logins.c.token == hashed).values(seen_ms=round(now * 1000))
                connection.execute(query_touch)
        return account

    def end(self, token: str) -> None:
        """End one session."""
        with self._database.writing() as connection:
            connection.execute(delete(logins).where(logins.c.token == _hash(token)))

    def end_all(self, account: Account) -> None:
        """End all sessions of an account."""
        with self._database.writing() as connection:
            connection.execute(delete(logins).where(logins.c.account_id == account.number))

    def _ended(self, now: float) -> ColumnElement[bool]:
        """Those that have ended, as a condition."""
        return or_(
            logins.c.seen_ms < round((now - self.idle_s) * 1000),
            logins.c.begun_ms < round((now - self.absolute_s) * 1000),
            logins.c.begun_ms > round((now + _CLOCK_S) * 1000),
            logins.c.seen_ms > round((now + _CLOCK_S) * 1000),
        )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
