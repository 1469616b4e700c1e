"""What the page keeps: a recorder writes summaries, health and status into a database; queries, export and erasure.

::

    history = open_history("history.db")
    recorder = Recorder(history)
    recorder.start()
    for notice in classroom:
        recorder.take(notice, classroom)
"""

from dashboard.history.database import Database, DatabaseError, ensure_schema
from dashboard.history.recorder import Recorder
from dashboard.history.retention import Retention
from dashboard.history.series import HealthSeries, Marker, SharesSeries, Stored, StoredRows
from dashboard.history.store import History, open_history

__all__ = [
    "Database",
    "DatabaseError",
    "HealthSeries",
    "History",
    "Marker",
    "Recorder",
    "Retention",
    "SharesSeries",
    "Stored",
    "StoredRows",
    "ensure_schema",
    "open_history",
]
