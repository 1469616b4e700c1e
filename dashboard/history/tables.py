"""The tables of the history, for SQLite and PostgreSQL alike.

Times are milliseconds since 1970 in UTC (``at_ms``) or whole minutes since then (``minute``). Shares are packed
(:mod:`dashboard.history.packing`): one of 30 rooms for a school year would not fit otherwise. Tables that are read by
device and time have both as their key, so that a lesson lies together and no second index is needed.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_PART: Final = "history"
SCHEMA_VERSION: Final = 3

LATE: Final = 1
"""Flag of a row: its message was sent late or again."""
UNDATED: Final = 2
"""Flag of a row: its device's clock said nothing usable, so it has the time at which it came."""

APPROXIMATE: Final = 4
"""Flag of a row: its figures are rough on purpose, so that they tell nothing about a single person."""

EVERYWHERE: Final = 0
"""The number of no device: what concerns all of them, such as the broker."""

metadata = MetaData()

schema_versions = Table(
    "schema_versions",
    metadata,
    Column("part", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
)
"""Which version of its tables a part of the page has made."""

properties = Table(
    "properties", metadata, Column("name", String(32), primary_key=True), Column("value", String(200), nullable=False)
)
"""``recorder``: a mark of the process that records. ``recorded_at``: when it last stored something or
noted that it still records; empty where it ended on purpose."""

devices = Table(
    "devices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", String(64), nullable=False),
    Column("device", String(64), nullable=False),
    Column("room", String(80), nullable=False, default=""),
    Column("time_zone", String(64), nullable=False, default=""),
    Column("labels", Text, nullable=False, default=""),
    Column("model", String(64), nullable=False, default=""),
    Column("state", String(16), nullable=False, default=""),
    Column("muted", SmallInteger, nullable=False, default=-1),
    Column("camera", String(32), nullable=False, default=""),
    Column("changed_ms", BigInteger, nullable=False, default=0),
    Column("health_session", String(64), nullable=False, default=""),
    Column("health_mono_ms", BigInteger, nullable=False, default=-1),
    Column("status_digest", String(64), nullable=False, default=""),
    UniqueConstraint("site", "device"),
)
"""Each device that was ever heard, and its latest state, from which markers are derived."""

sessions = Table(
    "sessions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device_id", Integer, nullable=False),
    Column("session", String(64), nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    UniqueConstraint("device_id", "session"),
)

received = Table(
    "received",
    metadata,
    Column("session_id", Integer, primary_key=True, autoincrement=False),
    Column("topic", String(16), primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Which numbers of a session have been stored, as ranges with both ends. It outlives the rows, which retention and
erasure delete: so nothing comes back that is sent again."""

label_sets = Table(
    "label_sets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("labels", Text, nullable=False, unique=True),
)
"""Names of expressions, as a JSON list, in the order of packed shares."""

windows = Table(
    "windows",
    metadata,
    Column("device_id", Integer, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("session_id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("window_ms", Integer, nullable=False),
    Column("faces", Integer),
    Column("label_set", Integer),
    Column("shares", LargeBinary),
    Column("flags", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Summaries at full resolution; ``at_ms`` is the window's end. ``faces`` and ``shares`` are null where suppressed."""

minutes = Table(
    "minutes",
    metadata,
    Column("device_id", Integer, primary_key=True, autoincrement=False),
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("open_ms", Integer, nullable=False),
    Column("suppressed_ms", Integer, nullable=False),
    Column("late_ms", Integer, nullable=False),
    Column("faces_ms", BigInteger),
    Column("label_set", Integer),
    Column("shares", LargeBinary),
    Column("flags", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Summaries of earlier weeks, a row a minute. ``open_ms`` and ``suppressed_ms``: how long windows with and without
figures lasted; ``faces_ms``: sum of faces times milliseconds; ``shares`` are of all face time of the minute."""

tens = Table(
    "tens",
    metadata,
    Column("device_id", Integer, primary_key=True, autoincrement=False),
    Column("ten", Integer, primary_key=True, autoincrement=False),
    Column("label_set", Integer, primary_key=True, autoincrement=False),
    Column("open_ms", BigInteger, nullable=False),
    Column("suppressed_ms", BigInteger, nullable=False),
    Column("late_ms", BigInteger, nullable=False),
    Column("faces_ms", BigInteger, nullable=False),
    Column("shares", LargeBinary),
    Column("flags", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The same windows and minutes once more, added up by ten minutes since 1970, so that a chart of months need not read
each. ``label_set`` is 0 for those without shares. ``shares``: the mean of each, as :func:`packing.pack_means` has it.
:mod:`dashboard.history.tens` keeps it in step with the two tables."""

faces = Table(
    "faces",
    metadata,
    Column("device_id", Integer, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("session_id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("track", String(64), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("expression", String(64), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("previous", String(64)),
    Column("held_s", Float, nullable=False),
    Column("flags", SmallInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Events of single faces, only where the settings ask for them."""

health = Table(
    "health",
    metadata,
    Column("device_id", Integer, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("fps", Float, nullable=False),
    Column("latency_ms", Float),
    Column("temperature_c", Float),
    Column("pending", BigInteger, nullable=False),
    Column("camera", String(32), nullable=False),
    Column("muted", SmallInteger, nullable=False),
    Column("problems", String(400), nullable=False),
    sqlite_with_rowid=False,
)
"""Health reports. ``latency_ms``: 95th percentile of a whole frame; ``problems``: words with commas between them."""

statuses = Table(
    "statuses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device_id", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("session", String(64), nullable=False),
    Column("state", String(8), nullable=False),
    Column("body", Text, nullable=False),
    Index("statuses_by_time", "device_id", "at_ms"),
)
"""Births and deaths of sessions; ``body`` is the message as JSON without its list of earlier sessions."""

markers = Table(
    "markers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device_id", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("text", String(200), nullable=False),
    Column("source", String(200), nullable=False, default=""),
    Index("markers_by_time", "device_id", "at_ms"),
)
"""What happened and is no figure. ``source``: what a marker was made from, where it must not be made twice."""

erasures = Table(
    "erasures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device_id", Integer, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("erased_ms", BigInteger, nullable=False),
)
"""What was erased: what comes late from such a time is not stored again."""

DATED: Final = (windows, faces, health, statuses, markers)
"""Tables whose rows have a device and ``at_ms``."""
