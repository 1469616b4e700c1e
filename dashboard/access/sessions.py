"""Sessions of browsers: who is logged in, and when that ends."""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
from typing import Final

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from dashboard.access.accounts import Account, read_account
from dashboard.access.tables import accounts, logins
from dashboard.history.database import Database, DatabaseError

_log = logging.getLogger(__name__)
_TOKEN_BYTES: Final = 32
_TOUCH_S: Final = 60.0
"""How often a session's last use is noted: not at every request, each of which would be a write."""
_CLOCK_S: Final = 300.0
"""A session from further in the future than this was begun by a clock that was wrong."""
_MAX_PER_ACCOUNT: Final = 20
_MAX_UNWRITTEN: Final = 5000
"""Of so many sessions is remembered in memory what could not be written."""


class Sessions:
    """The sessions in a database. Every method may raise :class:`DatabaseError`.

    While the database can be read and not written, those who are logged in stay so, and may log out.

    Args:
        database: Where they are.
        idle_s: A session that is not used for so long has ended.
        absolute_s: So long after its begin every session has ended.
    """

    def __init__(self, database: Database, idle_s: float, absolute_s: float) -> None:
        self._database = database
        self.idle_s, self.absolute_s = idle_s, absolute_s
        self._lock = threading.Lock()
        self._used_ms: dict[str, int] = {}
        self._over: dict[str, int] = {}

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
        hashed, now_ms = _hash(token), round(now * 1000)
        with self._lock:
            used_ms, over = self._used_ms.get(hashed, 0), hashed in self._over
        if over:
            return None
        if used_ms and now_ms - used_ms > self.idle_s * 1000:
            used_ms = 0
        with self._database.reading() as connection:
            query = select(accounts, logins.c.seen_ms.label("seen_ms")).join(
                logins, logins.c.account_id == accounts.c.id
            )
            alive = ~(self._too_old(now) if used_ms else self._ended(now))
            row = connection.execute(query.where(logins.c.token == hashed, alive)).first()
            account = read_account(connection, row) if row is not None else None
        if row is not None and used and now_ms - max(row.seen_ms, used_ms) > 1000 * min(_TOUCH_S, self.idle_s / 4):
            self._touch(hashed, now_ms)
        return account

    def end(self, token: str) -> None:
        """End one session."""
        hashed = _hash(token)
        try:
            with self._database.writing() as connection:
                connection.execute(delete(logins).where(logins.c.token == hashed))
        except DatabaseError as error:
            _log.error("that a session has ended is known until the page's process ends: %s", error)
            self._remember(self._over, hashed, 1)

    def end_all(self, account: Account) -> None:
        """End all sessions of an account."""
        with self._database.writing() as connection:
            connection.execute(delete(logins).where(logins.c.account_id == account.number))

    def _touch(self, hashed: str, now_ms: int) -> None:
        """Note that a session is used."""
        try:
            with self._database.writing() as connection:
                connection.execute(update(logins).where(logins.c.token == hashed).values(seen_ms=now_ms))
        except DatabaseError:  # why, the log says by what stores more
            self._remember(self._used_ms, hashed, now_ms)
        else:
            with self._lock:
                self._used_ms.pop(hashed, None)

    def _remember(self, where: dict[str, int], hashed: str, value: int) -> None:
        with self._lock:
            where.pop(hashed, None)
            where[hashed] = value
            if len(where) > _MAX_UNWRITTEN:
                where.pop(next(iter(where)))

    def _ended(self, now: float) -> ColumnElement[bool]:
        """Those that have ended, as a condition."""
        return or_(logins.c.seen_ms < round((now - self.idle_s) * 1000), self._too_old(now))

    def _too_old(self, now: float) -> ColumnElement[bool]:
        """Those that have ended however much they are used, or are from a wrong clock."""
        return or_(
            logins.c.begun_ms < round((now - self.absolute_s) * 1000),
            logins.c.begun_ms > round((now + _CLOCK_S) * 1000),
            logins.c.seen_ms > round((now + _CLOCK_S) * 1000),
        )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
