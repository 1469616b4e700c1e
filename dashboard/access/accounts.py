"""Accounts: who they are, what they may do, and whether a password is right."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from dashboard.access.passwords import check_new_password, hash_password, is_outdated, verify_password
from dashboard.access.roles import ROLES, Rights, Role, rights_of
from dashboard.access.tables import account_rooms, accounts, logins
from dashboard.history.database import Database, DatabaseError
from edge_agent.client.events import Device
from edge_agent.errors import InputError

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.@-]{0,63}")
_MAX_ROOMS: Final = 500


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may log in.

    Attributes:
        number: Its number in the database.
        name: What they type to log in; small letters.
        roles: What they are.
        rooms: The rooms they were given; only teachers need some.
        created_at: When it was made, Unix seconds.
        changed_at: When the password was set last.
    """

    number: int
    name: str
    roles: frozenset[Role]
    rooms: frozenset[Device]
    created_at: float
    changed_at: float

    @property
    def rights(self) -> Rights:
        """What they may see and do."""
        return rights_of(self.roles, self.rooms)


class Accounts:
    """The accounts in a database. Every method may raise :class:`DatabaseError`.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def any(self) -> bool:
        """Whether there is an account at all."""
        with self._database.reading() as connection:
            return bool(connection.scalar(select(exists(select(accounts.c.id)))))

    def all(self) -> list[Account]:
        """All, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(accounts).order_by(accounts.c.name)).all()
            return [read_account(connection, row) for row in rows]

    def find(self, name: str) -> Account:
        """The account of a name.

        Raises:
            InputError: There is none.
        """
        with self._database.reading() as connection:
            return read_account(connection, _row(connection, name))

    def add(self, name: str, password: str, roles: Iterable[Role], rooms: Iterable[Device], now: float) -> Account:
        """Make an account.

        Args:
            name: What they will type to log in.
            password: Their first password.
            roles: At least one.
            rooms: For a teacher.
            now: Unix time.

        Raises:
            InputError: The name or the password will not do, it exists, or there is no role.
        """
        plain = check_name(name)
        wanted = frozenset(roles)
        if not wanted:
            raise InputError("--role", expected=f"one of {', '.join(ROLES)}")
        check_new_password(password, plain)
        hashed, now_ms = hash_password(password), round(now * 1000)
        with self._database.writing() as connection:
            if connection.scalar(select(accounts.c.id).where(accounts.c.name == plain)) is not None:
                raise InputError(f"the account {plain} exists already", remedy="Choose another name, or change it")
            row = {"name": plain, "password": hashed, "roles": _written(wanted)}
            connection.execute(insert(accounts).values(row | {"created_ms": now_ms, "changed_ms": now_ms}))
            made = _row(connection, plain)
            _write_rooms(connection, made.id, rooms)
            return read_account(connection, made)

    def remove(self, name: str) -> None:
        """Delete an account and end its sessions. What the audit log says of it stays.

        Raises:
            InputError: There is none.
        """
        with self._database.writing() as connection:
            number = _row(connection, name).id
            for table, column in ((logins, logins.c.account_id), (account_rooms, account_rooms.c.account_id)):
                connection.execute(delete(table).where(column == number))
            connection.execute(delete(accounts).where(accounts.c.id == number))

    def set_password(self, name: str, password: str, now: float) -> None:
        """Set another password and end all sessions of the account.

        Raises:
            InputError: There is no such account, or the password will not do.
        """
        plain = check_name(name)
        check_new_password(password, plain)
        hashed = hash_password(password)
        with self._database.writing() as connection:
            number = _row(connection, plain).id
            values = {"password": hashed, "changed_ms": round(now * 1000)}
            connection.execute(update(accounts).where(accounts.c.id == number).values(values))
            connection.execute(delete(logins).where(logins.c.account_id == number))

    def set_rooms(self, name: str, rooms: Iterable[Device]) -> Account:
        """Give an account these rooms and no others. It holds at once, also for who is logged in.

        Raises:
            InputError: There is no such account, or there are too many rooms.
        """
        with self._database.writing() as connection:
            row = _row(connection, name)
            _write_rooms(connection, row.id, rooms)
            return read_account(connection, row)

    def set_roles(self, name: str, roles: Iterable[Role]) -> Account:
        """Give an account these roles and no others. It holds at once.

        Raises:
            InputError: There is no such account, or no role is named.
        """
        wanted = frozenset(roles)
        if not wanted:
            raise InputError("--role", expected=f"one of {', '.join(ROLES)}")
        with self._database.writing() as connection:
            number = _row(connection, name).id
            connection.execute(update(accounts).where(accounts.c.id == number).values(roles=_written(wanted)))
            return read_account(connection, _row(connection, name))

    def authenticate(self, name: str, password: str) -> Account | None:
        """The account, if the password is its own. A wrong name takes as long as a wrong password.

        Raises:
            Busy: Too many people log in at once.
        """
        plain = _plain(name)
        with self._database.reading() as connection:
            query = select(accounts).where(accounts.c.name == plain)
            # Another text, such as one with a NUL, is one that not every database can be asked for.
            row = connection.execute(query).first() if _NAME.fullmatch(plain) else None
            account = read_account(connection, row) if row is not None else None
        hashed = str(row.password) if row is not None else None
        if not verify_password(password, hashed):
            return None
        if hashed is not None and account is not None and is_outdated(hashed):
            with contextlib.suppress(DatabaseError):  # it is tried again with the next login
                self._rehash(account, password, hashed)
        return account

    def _rehash(self, account: Account, password: str, old: str) -> None:
        fresh = hash_password(password)
        with self._database.writing() as connection:
            query = update(accounts).where(accounts.c.id == account.number, accounts.c.password == old)
            connection.execute(query.values(password=fresh))


def check_name(name: str) -> str:
    """A name as it is kept.

    Raises:
        InputError: It has other characters, or is too long.
    """
    plain = _plain(name)
    if not _NAME.fullmatch(plain):
        raise InputError(
            "the account's name",
            received=ascii(name[:80]),
            expected="letters a to z, digits and . _ @ -, at most 64, a letter or digit first",
        )
    return plain


def read_account(connection: Connection, row: Row[Any]) -> Account:
    """An account from its row."""
    query = select(account_rooms.c.site, account_rooms.c.device).where(account_rooms.c.account_id == row.id)
    rooms = frozenset(Device(site, device) for site, device in connection.execute(query))
    roles = frozenset(role for role in ROLES if role in row.roles.split(","))
    return Account(row.id, row.name, roles, rooms, row.created_ms / 1000, row.changed_ms / 1000)


def _plain(name: str) -> str:
    return name.strip().lower()


def _row(connection: Connection, name: str) -> Row[Any]:
    plain = check_name(name)
    row = connection.execute(select(accounts).where(accounts.c.name == plain)).first()
    if row is None:
        raise InputError(f"there is no account {plain}", remedy="See: edge-agent dashboard accounts list")
    return row


def _written(roles: frozenset[Role]) -> str:
    return ",".join(role for role in ROLES if role in roles)


def _write_rooms(connection: Connection, number: int, rooms: Iterable[Device]) -> None:
    wanted = sorted(set(rooms))
    if len(wanted) > _MAX_ROOMS:
        raise InputError("--room", received=f"{len(wanted)} rooms", expected=f"at most {_MAX_ROOMS}")
    connection.execute(delete(account_rooms).where(account_rooms.c.account_id == number))
    if wanted:
        rows = [{"account_id": number, "site": site, "device": device} for site, device in wanted]
        connection.execute(insert(account_rooms), rows)
