"""The log of who looked and who acted. It is the page's own: devices keep one of commands themselves."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Literal, get_args

from sqlalchemy import and_, delete, insert, or_, select

from dashboard.access.details import Detail, read_detail
from dashboard.access.roles import Visitor
from dashboard.access.tables import audit
from dashboard.history.database import Database, DatabaseError
from edge_agent.client.events import Device

Action = Literal["login", "login_failed", "logout", "look", "report", "export", "command", "erase", "accounts", "data"]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

log = logging.getLogger("dashboard.audit")

LOOK_S: Final = 600.0
"""Looks of one person at one thing within this time are one entry."""
_MAX_LOOKS: Final = 5000
_MAX_DETAIL: Final = 300


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    Attributes:
        number: Rises with time.
        at: When, Unix seconds.
        who: Name of the account; empty where the page has none.
        address: Where the request came from.
        action: What was done.
        device: Of which room; ``None`` where it is of none or all.
        detail: More about it, in few English words.
        parts: The same so that it can be translated; ``None`` where it cannot.
    """

    number: int
    at: float
    who: str
    address: str
    action: str
    device: Device | None
    detail: str
    parts: Detail | None = None


class Audit:
    """The log in a database.

    Args:
        database: Where it is.
        days: Older entries are deleted.
    """

    def __init__(self, database: Database, days: float) -> None:
        self._database = database
        self.days = days
        self._looks: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._not_noted = ""
        self._lock = threading.Lock()

    def record(
        self,
        action: Action,
        who: str,
        address: str,
        now: float,
        *,
        device: Device | None = None,
        detail: Detail | str = "",
    ) -> None:
        """Note what somebody does. An act that cannot be noted must not be done.

        Args:
            action: What.
            who: Name of the account; empty where the page has none.
            address: Where the request comes from.
            now: Unix time.
            device: Of which room.
            detail: More about it.

        Raises:
            DatabaseError: It cannot be written.
        """
        text = clean(str(detail), _MAX_DETAIL)
        where = f" {device.site}/{device.id}" if device else ""
        log.info("%s: %s%s %s from %s", who or "(no account)", action, where, text, address)
        row = {
            "at_ms": round(now * 1000),
            "who": clean(who, 64),
            "address": clean(address, 64),
            "action": action,
            "site": clean(device.site, 64) if device else "",
            "device": clean(device.id, 64) if device else "",
            "detail": text,
            "parts": detail.written() if isinstance(detail, Detail) else "",
        }
        with self._database.writing() as connection:
            connection.execute(insert(audit).values(row))

    def looked(
        self,
        who: str,
        address: str,
        now: float,
        *,
        device: Device | None = None,
        detail: Detail | str = "",
        action: Action = "look",
    ) -> None:
        """Note that somebody looks, once in ten minutes for each thing. A database that is full does not keep them out.

        Args:
            who: As for :meth:`record`, like the rest.
            address: Where from.
            now: Unix time.
            device: At which room; ``None`` for a page that shows several.
            detail: At what.
            action: ``look``, or ``report``.
        """
        key = (who, action, *(device or ()), str(detail))
        with self._lock:
            last = self._looks.get(key)
            if last is not None and 0 <= now - last < LOOK_S:
                return
            self._looks[key] = now
            self._looks.move_to_end(key)
            if len(self._looks) > _MAX_LOOKS:
                self._looks.popitem(last=False)
        try:
            self.record(action, who, address, now, device=device, detail=detail)
        except DatabaseError as error:
            with self._lock:
                self._looks.pop(key, None)
                known, self._not_noted = self._not_noted == str(error), str(error)
            if not known:  # once, however many look
                log.error("not noted: %s", error)
        else:
            self._not_noted = ""

    def entries(
        self, reader: Visitor, *, before: int | None = None, action: str = "", who: str = "", limit: int = 100
    ) -> list[Entry]:
        """What somebody may read of the log, the newest first.

        The data officer reads all of it. Everybody else reads what they did themselves and who looked at their own
        rooms; operators also read every command.

        Args:
            reader: Who reads.
            before: Only entries before this one, to turn the page.
            action: Only this action.
            who: Only of this account.
            limit: At most so many.

        Raises:
            DatabaseError: It cannot be read.
        """
        rights = reader.rights
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        if action:
            query = query.where(audit.c.action == action)
        if who:
            query = query.where(audit.c.who == clean(who, 64))
        if "data_officer" not in rights.roles:
            may = [audit.c.who == reader.name]
            if "operator" in rights.roles:
                may.append(audit.c.action == "command")
            may += [and_(audit.c.site == site, audit.c.device == device) for site, device in rights.rooms or ()]
            query = query.where(or_(*may))
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [
            Entry(
                row.id,
                row.at_ms / 1000,
                row.who,
                row.address,
                row.action,
                Device(row.site, row.device) if row.device else None,
                row.detail,
                read_detail(row.parts),
            )
            for row in rows
        ]

    def forget_old(self, now: float) -> int:
        """Delete entries that are older than they are kept; returns how many.

        Raises:
            DatabaseError: They cannot be deleted.
        """
        with self._database.writing() as connection:
            return connection.execute(
                delete(audit).where(audit.c.at_ms < round((now - self.days * 86400) * 1000))
            ).rowcount


def clean(text: str, length: int) -> str:
    """A text of others on one line, in characters that every database takes."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain.encode("utf-8", "replace").decode()[:length]
