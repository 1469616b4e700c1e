"""Recording: the client, the recorder and the database put together, for the page and for ``edge-agent record``."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from dashboard.following import Following
from dashboard.history.database import DatabaseError
from dashboard.history.opening import open_store
from dashboard.history.recorder import Recorder
from dashboard.history.retention import Retention
from dashboard.history.store import History
from dashboard.live.school import School
from dashboard.settings import DashboardSettings, RetentionSettings
from edge_agent.client import Classroom
from edge_agent.errors import CheckFailed
from edge_agent.protocol.topics import EXPRESSION, SUMMARY
from edge_agent.system.stop_signals import stop_on_signals

log = logging.getLogger(__name__)

_HELD_S: Final = 8 * 86_400.0
"""For longer than that no device keeps events that are delivered, unless somebody changes its settings."""
_LOOK_EVERY_S: Final = 0.5


def retention_of(settings: RetentionSettings) -> Retention:
    """What the settings say about retention."""
    return Retention(full_days=settings.full_days, days=settings.days, faces_days=settings.faces_days)


def topics_to_catch_up(settings: RetentionSettings) -> tuple[str, ...]:
    """Of which topics the recorder wants what it has missed."""
    return (SUMMARY, EXPRESSION) if settings.faces_days else (SUMMARY,)


def tell_what_is_stored(history: History, classroom: Classroom) -> None:
    """Let a new client know which events are stored, so that it does not ask devices for them.

    Where the database cannot be read now, more is asked for than is needed. It is stored once all the same.
    """
    try:
        stored = history.received(time.time() - _HELD_S)
    except DatabaseError as error:
        log.warning("what is stored cannot be read, so all that devices hold is asked for: %s", error)
        return
    for device, session, topic, ranges in stored:
        classroom.already_has(device, session, topic, ranges)


def record(settings: DashboardSettings, ready: Callable[[str], None]) -> None:
    """Record until SIGINT or SIGTERM, without a page.

    Args:
        settings: The page's settings.
        ready: Called with the place of the database once it is open.

    Raises:
        ConfigError: A file cannot be used.
        DatabaseError: The database cannot be opened.
        CheckFailed: Another recorder stores into the same database now.
    """
    history = open_store(settings.store)
    recorder = Recorder(history, retention=retention_of(settings.retention))
    following = Following(
        settings.broker,
        School(time.time()),
        lambda _: None,
        (recorder.take,),
        prepare=lambda classroom: tell_what_is_stored(history, classroom),
        catch_up=topics_to_catch_up(settings.retention),
    )
    recorder.start()
    following.start()
    try:
        ready(history.database.shown)
        with stop_on_signals() as stop:
            while not stop.wait(_LOOK_EVERY_S):
                if recorder.ended.is_set():
                    raise CheckFailed(recorder.problem, remedy="Let only one record: store.record = false for the page")
    finally:
        following.stop()
        recorder.close()
        history.close()
