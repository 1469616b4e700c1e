"""The database of the page: SQLite in a file, or PostgreSQL. How it is opened, written to and what its errors mean.

SQLite runs in WAL mode with ``synchronous = FULL``: a transaction that has been committed survives the death of the
process and a power cut. ``secure_delete`` overwrites what is deleted.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, event, inspect, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dashboard.history.tables import schema_versions
from edge_agent.addresses.credentials import is_credential
from edge_agent.addresses.masking import shown_path
from edge_agent.errors import AgentError, InputError
from edge_agent.rights import denied_write, mount_point, unwritable

Migration = Callable[[Connection], None]

_EXPECTED: Final = "a file, or an address such as postgresql://USER@HOST/DATABASE"
_BUSY_MS: Final = 10_000
_CONNECT_S: Final = 5
_WAL_LIMIT_BYTES: Final = 16 * 1024 * 1024


class DatabaseError(AgentError):
    """The database of the page cannot be opened, read or written."""

    exit_code = 8


class RowsRefused(DatabaseError):
    """The database does not take these rows, however often that is tried."""


class Database:
    """An open database. Any thread may read and write; only one thread writes at a time.

    Args:
        place: A file, or the address of a PostgreSQL database.
        password: At the server; used in place of one in the address.
        max_mb: Size that an SQLite file may reach. Then it counts as full.
        min_free_mb: What must stay free on the disk of an SQLite file; see :meth:`check_room`.

    Attributes:
        engine: SQLAlchemy's engine.
        shown: Where it is, for messages, without a password.

    Raises:
        InputError: It is no such address.
        DatabaseError: It cannot be opened.
    """

    def __init__(self, place: str, *, password: str = "", max_mb: int = 0, min_free_mb: int = 0) -> None:
        self._url = _parse(place, password)
        self._file = Path(str(self._url.database)) if self._url.get_backend_name() == "sqlite" else None
        self.shown = str(self._file) if self._file else _without_secrets(self._url)
        self._max_mb, self._min_free_mb = max_mb, min_free_mb
        self._write_lock = threading.Lock()
        self._opened: tuple[int, int] | None = None
        if self._file is not None:
            _make_private(self._file)
        self.engine = self._open_engine()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite."""
        return self._file is not None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection whose reads all see the same state.

        Raises:
            DatabaseError: It cannot be read.
        """
        with self.explained(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: all or nothing of it is stored.

        Raises:
            DatabaseError: It cannot be written. Nothing of the transaction is stored then.
        """
        with (
            self.explained(),
            self._write_lock,
            self.engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Around use of the engine: errors of the database become one that a person can act on."""
        try:
            yield
        except (DBAPIError, PoolTimeout) as error:
            raise self._explain(error) from None

    def check_room(self) -> None:
        """Refuse to fill the disk on which other programs rely, such as the broker. For who stores much.

        Raises:
            DatabaseError: Less is free than must stay free.
        """
        if self._file is None or not self._min_free_mb:
            return
        try:
            disk = os.statvfs(self._file.parent)
        except OSError:  # what is wrong shows when it is written to
            return
        free_mb = disk.f_bavail * disk.f_frsize / 1e6
        if free_mb < self._min_free_mb:
            raise DatabaseError(
                f"database {self.shown}: its disk is nearly full",
                received=f"{free_mb:.0f} MB free",
                expected=f"at least {self._min_free_mb} MB (min_free_mb in [store])",
                remedy="Make room on the disk, or erase what is no longer needed",
            )

    def was_replaced(self) -> bool:
        """Whether the file is not the one that was opened; what is stored in that one would be lost to all.

        A file that somebody has put in its place, such as a backup, is used from then on.

        Raises:
            DatabaseError: There is no file any more.
        """
        if self._file is None:
            return False
        try:
            now = _identity(self._file)
        except OSError as error:
            self.engine.dispose()
            raise self._unreachable(error) from None
        if self._opened in (None, now):
            return False
        self.engine.dispose()
        self._opened = None
        return True

    def _unreachable(self, error: OSError) -> DatabaseError:
        if not isinstance(error, FileNotFoundError):
            cause, remedy = denied_write(Path(self.shown), error)
            return DatabaseError(f"database {self.shown}: {cause}", remedy=remedy)
        return DatabaseError(
            f"database {self.shown}: the file is gone, somebody has moved or removed it",
            remedy="Put it back with the files beside it, or restore a backup. To begin anew, start the program again",
        )

    def size_bytes(self) -> int:
        """How much it takes on its disk."""
        if self._file is not None:
            log = self._file.with_name(f"{self._file.name}-wal")
            return sum(path.stat().st_size for path in (self._file, log) if path.exists())
        with self.reading() as connection:
            return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)

    def compact(self, tables: tuple[Table, ...]) -> None:
        """Write the tables anew without what has been deleted, so that its bytes are gone from the files.

        Raises:
            DatabaseError: There is no room for the new copy, or somebody else uses the database.
        """
        with self.explained(), self._write_lock:
            if self._file is not None:
                self._run_alone("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")
                return
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for table in tables:
                    connection.execute(text(f'VACUUM (FULL, ANALYZE) "{table.name}"'))

    def checkpoint(self) -> None:
        """Move SQLite's log into the file and empty it: it may still hold what was deleted."""
        if self._file is not None:
            with self.explained(), self._write_lock:
                self._run_alone("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _run_alone(self, *statements: str) -> None:
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement).fetchall()
        except Exception as error:
            if isinstance(error, self.engine.dialect.dbapi.Error):  # type: ignore[union-attr]
                raise OperationalError(None, None, error) from None
            raise
        finally:
            connection.close()

    def _open_engine(self) -> Engine:
        if self._file is None:
            arguments = {
                "connect_timeout": _CONNECT_S,
                "application_name": "classroom-dashboard",
                "keepalives_idle": 30,
                "tcp_user_timeout": 20_000,
            }
            return create_engine(self._url, pool_pre_ping=True, pool_size=3, max_overflow=5, connect_args=arguments)
        # Never a new file: SQLite would make an empty one where somebody has moved the old one away.
        address = f"file:{quote(str(self._file.absolute()))}?mode=rw"

        file = self._file

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(address, uri=True, timeout=_BUSY_MS / 1000, check_same_thread=False)
            try:
                self._opened = _identity(file)
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            return connection

        engine = create_engine(self._url, pool_size=3, max_overflow=5, creator=connect)

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            writes = connection.get_execution_options().get("writes", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.isolation_level = None  # transactions begin where SQLAlchemy says so
        page_bytes = connection.execute("PRAGMA page_size").fetchone()[0]
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "secure_delete = ON",
            f"journal_size_limit = {_WAL_LIMIT_BYTES}",
            f"max_page_count = {self._max_mb * 1_000_000 // page_bytes}" if self._max_mb else "",
        ):
            if pragma:
                connection.execute(f"PRAGMA {pragma}").fetchall()

    def _explain(self, error: DBAPIError | PoolTimeout) -> DatabaseError:
        said = " ".join(str(getattr(error, "orig", None) or error).split())
        said = self._without_password(said)
        if self._file is not None and not isinstance(error, (DataError, IntegrityError, PoolTimeout)):
            self.engine.dispose()  # what is mended shows to new connections
            if found := self._of_file(said.lower()):
                return found
        for words, cause, remedy in _OF_SERVER if self._file is None else _OF_FILE:
            if any(word in said.lower() for word in words):
                return DatabaseError(f"database {self.shown}: {cause}: {said}", remedy=remedy)
        if isinstance(error, (DataError, IntegrityError)):
            return RowsRefused(f"database {self.shown}: {said}")
        lost = isinstance(error, (OperationalError, InterfaceError, PoolTimeout))
        remedy = "See whether the server runs and lets this account in" if lost and self._file is None else ""
        return DatabaseError(f"database {self.shown}: {said}", remedy=remedy)

    def _of_file(self, said: str) -> DatabaseError | None:
        """What is the matter with SQLite's file, found by looking at it; ``None`` where that shows nothing."""
        file = self._file
        assert file is not None
        if any(words in said for words in _DAMAGED):
            return None
        try:
            size_bytes = file.stat().st_size
        except OSError as error:
            return self._unreachable(error)
        if "is full" in said:
            if self._max_mb and size_bytes > 0.9 * self._max_mb * 1_000_000:
                return DatabaseError(
                    f"database {self.shown}: it is full, it has the {self._max_mb} MB that max_mb in [store] allows",
                    remedy="Raise max_mb, or erase what is no longer needed",
                )
            place = mount_point(file)
            return DatabaseError(
                f"database {self.shown}: it is full, there is no room left on the disk at {place}",
                remedy=f"Make room there: df -h {shlex.quote(str(place))}",
            )
        if not any(words in said for words in ("readonly", "unable to open", "i/o error")):
            return None
        beside = [file.with_name(f"{file.name}{end}") for end in ("", "-wal", "-shm")]
        denied = unwritable(beside, file.parent)
        if denied is not None:
            cause, remedy = denied
            return DatabaseError(f"database {self.shown}: it cannot be written: {cause}", remedy=remedy)
        return None

    def _without_password(self, said: str) -> str:
        secrets = [value for name, value in self._url.query.items() if is_credential(name)]
        for secret in (self._url.password, *secrets):
            for value in (secret,) if isinstance(secret, str) else secret or ():
                said = said.replace(str(value), "***") if value else said
        return said


_DAMAGED: Final = ("malformed", "not a database")
_OF_SERVER: Final = (
    (("no space left", "could not extend"), "the disk of its server is full", "Make room on the server's disk"),
    (
        ("read-only",),
        "its server lets nothing be written",
        "See there whether default_transaction_read_only is on, and whether this server is a copy (standby) of another",
    ),
    (
        ("permission denied", "must be owner"),
        "the account may not use it",
        "Let its administrator run: ALTER DATABASE name OWNER TO account",
    ),
    (("lock timeout",), "another program holds it", "Close that program"),
)
"""Words of PostgreSQL, what they mean, and what to do."""
_OF_FILE: Final = (
    (
        ("readonly database",),
        "it cannot be written",
        "Give the page's user the right to write the file and its folder",
    ),
    (("database is locked",), "another program holds it", "Close that program"),
    (
        _DAMAGED,
        "it is damaged",
        "Move the file and those beside it away, and restore a backup",
    ),
    (
        ("disk i/o error",),
        "its disk does not read or write as it should",
        "See what sudo dmesg | tail says, and check the disk before anything else",
    ),
    (
        ("unable to open database file",),
        "it cannot be opened",
        "See whether its folder exists and the page's user may write there",
    ),
)
"""The same of SQLite, for what a look at the file does not show."""


def ensure_schema(
    database: Database, part: str, version: int, metadata: MetaData, migrations: Mapping[int, Migration] | None = None
) -> None:
    """Make the tables of a part of the page, or bring those of an older version up to date.

    Args:
        database: Where.
        part: Name of the part, under which the version is noted.
        version: The version that the tables of this program have.
        metadata: The part's tables.
        migrations: What makes the tables of a version those of the next one.

    Raises:
        DatabaseError: The tables are of a newer version, of one that is no longer known, or of another program.
    """
    with database.writing() as connection:
        present = set(inspect(connection).get_table_names())
        schema_versions.create(connection, checkfirst=True)
        found = connection.scalar(select(schema_versions.c.version).where(schema_versions.c.part == part))
        if found is None:
            ours = set(metadata.tables) - {schema_versions.name}
            # A server may be shared; a file with other tables is another program's.
            of_other = present if connection.dialect.name == "sqlite" and schema_versions.name not in present else set()
            if strangers := sorted((ours & present) | of_other):
                raise DatabaseError(
                    f"database {database.shown}",
                    received=f"a table {strangers[0]} that this program did not make",
                    expected="a database of its own",
                    remedy="Set another place in [store]",
                )
            metadata.create_all(connection)
            connection.execute(schema_versions.insert().values(part=part, version=version))
            return
        if found > version:
            raise DatabaseError(
                f"database {database.shown}: tables of {part}",
                received=f"version {found}",
                expected=f"at most {version}",
                remedy="Use the version of this program that made them, or a newer one",
            )
        for older in range(found, version):
            step = (migrations or {}).get(older)
            if step is None:
                raise DatabaseError(
                    f"database {database.shown}: tables of {part}",
                    received=f"version {found}",
                    expected=f"version {version}",
                    remedy="Begin with a new database; a version of this program in between can migrate the old one",
                )
            step(connection)
        connection.execute(update(schema_versions).where(schema_versions.c.part == part).values(version=version))


def insert_new(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, and leave out those whose key exists."""
    if rows:
        dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def upsert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, and replace those whose key exists."""
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    insert = dialect.insert(table)
    changed = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
    connection.execute(insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed), rows)


# Stricter than SQLAlchemy, which takes admin:12/34@host for the port 12 of a host named admin.
_ADDRESS: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+]*)://(?:[^@:/?#\s]*(?::[^@/?#\s]*)?@)?"
    r"(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]*)(?::[0-9]{1,5})?/(?P<database>[^@?#:;&=\\\s]*)(?:\?[^@\s]*)?"
)


def _parse(place: str, password: str) -> URL:
    if "://" not in place:
        if not place or "\0" in place or shown_path(place) != place:
            received = repr(place) if not place else "no file, and an address that cannot be read"
            raise InputError("$.store.place", received=received, expected=_EXPECTED)
        return URL.create("sqlite", database=str(Path(place).expanduser()))
    matched = _ADDRESS.fullmatch(place)
    if matched is None:
        raise InputError(
            "$.store.place",
            received="an address that cannot be read",
            expected=_EXPECTED,
            remedy="Write the password into the file that store.password_file names, or percent-encode "
            "# ? % : / @ in it (%23 %3F %25 %3A %2F %40)",
        )
    scheme = matched["scheme"].partition("+")[0].lower()
    try:
        url = make_url(place)
    except (ArgumentError, ValueError):
        raise InputError("$.store.place", received="an address that cannot be read", expected=_EXPECTED) from None
    if scheme == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite", query={})
    if scheme not in ("postgresql", "postgres") or not url.database:
        received = "an address without a database" if scheme.startswith("postgres") else "an address of another kind"
        raise InputError("$.store.place", received=received, expected=_EXPECTED, remedy="Name one of these two")
    url = url.set(drivername="postgresql+psycopg")
    return url.set(password=password) if password else url


def _without_secrets(url: URL) -> str:
    kept = {name: value for name, value in url.query.items() if not is_credential(name)}
    return url.set(query=kept, drivername="postgresql").render_as_string(hide_password=True)


def _identity(file: Path) -> tuple[int, int]:
    """Which file it is, whatever its name."""
    found = file.stat()
    return found.st_dev, found.st_ino


def _make_private(file: Path) -> None:
    """Make the file so that only its owner can read it. SQLite gives the files beside it the same rights."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise DatabaseError(
                f"database {file}: its folder does not exist",
                remedy=f"Make it: install -d -m 700 {shlex.quote(str(file.parent))}",
            ) from None
        words, remedy = denied_write(file, error)
        raise DatabaseError(f"database {file}: {words}", remedy=remedy) from None
