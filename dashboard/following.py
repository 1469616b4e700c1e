"""The thread that owns the client: it passes every notice on, and lets time pass for what watches it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from dashboard.live.school import School
from dashboard.settings import BrokerSettings, naming_keys_of
from edge_agent.backoff import Backoff
from edge_agent.client import Broker, BrokerChanged, Classroom, Denied, Device, Notice, Unreadable
from edge_agent.client.wording import for_settings
from edge_agent.errors import BrokerError, ConfigError

_log = logging.getLogger(__name__)
_POLL_S = 0.1
_TICK_S = 1.0
_MAX_TOLD = 100
"""Of so many topics the log says that something is wrong with them; a hostile device could name more."""

Taker = Callable[[Notice, Classroom], None]
"""Takes a notice on the client's thread, with the client to ask for a message's time; it must be quick."""


class Following:
    """Follows a broker's devices on a thread of its own, until stopped.

    Args:
        broker: Where to listen.
        school: Gets every notice, and the time once a second.
        on_changed: Called on this thread with the rooms that look different now; with none where only the connection to
            the broker has changed.
        takers: Get every notice too, for example a recorder.
        prepare: Gets each new client before it connects, for example to tell it which events are known.
        catch_up: Topics of which to ask also for what devices still hold from before.

    Raises:
        ConfigError: The password file or a certificate cannot be used.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        school: School,
        on_changed: Callable[[set[Device]], None],
        takers: Sequence[Taker] = (),
        *,
        prepare: Callable[[Classroom], None] = lambda _: None,
        catch_up: Sequence[str] = (),
    ) -> None:
        self._prepare, self._catch_up = prepare, catch_up
        self._settings = broker
        self._broker = self._read_files()
        self._school, self._on_changed, self._takers = school, on_changed, takers
        self._told: set[str] = set()
        self._outage = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="following", daemon=True)

    def start(self) -> None:
        """Begin to follow; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect and end the thread."""
        self._stop.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        retry = Backoff(1.0, 30.0)
        while not self._stop.is_set():
            with Classroom(
                self._broker,
                root=self._settings.root,
                catch_up=self._catch_up,
                only_alone=bool(self._catch_up),
                worded=partial(for_settings, "broker"),
            ) as classroom:
                self._prepare(classroom)
                try:
                    self._follow(classroom)
                except BrokerError as refused:  # somebody may correct it meanwhile, so it is tried again
                    self._take(BrokerChanged(connected=False, reason=str(refused)), classroom)
            self._stop.wait(retry.next())
            self._read_files_again()

    def _read_files(self) -> Broker:
        with naming_keys_of("broker"):
            return Broker.from_settings(self._settings.as_mqtt())

    def _read_files_again(self) -> None:
        """The broker refuses the account: perhaps its password or certificate has been renewed meanwhile."""
        try:
            self._broker = self._read_files()
        except ConfigError as error:
            _log.warning("the old password or certificate is used: %s", error)

    def _follow(self, classroom: Classroom) -> None:
        tick_at = 0.0
        while not self._stop.is_set():
            for notice in classroom.poll(_POLL_S):
                self._take(notice, classroom)
            if time.monotonic() >= tick_at:
                tick_at = time.monotonic() + _TICK_S
                if changed := self._school.tick(time.time()):
                    self._on_changed(changed)

    def _take(self, notice: Notice, classroom: Classroom) -> None:
        changed = self._school.apply(notice, time.time())
        if changed or isinstance(notice, BrokerChanged):
            self._on_changed(changed)
        if isinstance(notice, BrokerChanged):
            self._tell_of_broker(notice)
        if isinstance(notice, Unreadable | Denied):
            self._tell(notice)
        for taker in self._takers:
            taker(notice, classroom)

    def _tell_of_broker(self, notice: BrokerChanged) -> None:
        """Write into the log why there is no connection, once until there is one or the reason changes."""
        if notice.connected:
            if self._outage:
                _log.warning("connected to the broker again")
            self._outage = ""
        elif notice.reason != self._outage:
            self._outage = notice.reason
            _log.warning("%s", notice.reason)

    def _tell(self, notice: Unreadable | Denied) -> None:
        """Write into the log what is wrong with a topic, once."""
        if notice.topic not in self._told and len(self._told) < _MAX_TOLD:
            self._told.add(notice.topic)
            what = "a message cannot be read" if isinstance(notice, Unreadable) else "the broker does not allow it"
            _log.warning("%.200r: %s: %.300r", notice.topic, what, notice.reason)
