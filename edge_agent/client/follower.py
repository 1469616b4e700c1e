"""Following a classroom on a thread of its own, for programs whose main thread draws or waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from edge_agent.client import Broker, BrokerChanged, Classroom, Notice
from edge_agent.client.wording import for_settings
from edge_agent.config import MqttSettings
from edge_agent.errors import BrokerError

_POLL_S = 0.2


class Follower:
    """Passes on what a classroom reports, until stopped.

    Args:
        settings: The broker, and the root of the topics.
        on_notice: Called on the follower's thread with every notice of the client.
        site: One site, or ``+`` for all.
        device: One device, or ``+`` for all.

    Attributes:
        connected: Set while there is a connection.
        error: Why there is none, in words for a person; empty otherwise.
        failure: The error in the program that has ended the thread; ``None`` otherwise.

    Raises:
        ConfigError: The password file or a certificate cannot be used.
    """

    def __init__(
        self, settings: MqttSettings, on_notice: Callable[[Notice], None], *, site: str = "+", device: str = "+"
    ) -> None:
        self._classroom = Classroom(
            Broker.from_settings(settings),
            root=settings.root,
            site=site,
            device=device,
            worded=partial(for_settings, "mqtt"),
        )
        self._on_notice = on_notice
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self.connected = threading.Event()
        self.error = ""
        self.failure: Exception | None = None

    def start(self) -> None:
        """Begin to follow; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect and end the thread."""
        self._stop.set()
        self._thread.join(5.0)

    def raise_failure(self) -> None:
        """Raise what has ended the thread, so that nobody waits for it."""
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:  # noqa: BLE001 - raised by raise_failure(), on the thread that waits
            self.failure = error

    def _follow(self) -> None:
        with self._classroom as classroom:
            while not self._stop.is_set():
                try:
                    notices = classroom.poll(_POLL_S)
                except BrokerError as refused:  # no use in trying again: somebody has to change something
                    self.error = str(refused)
                    return
                for notice in notices:
                    if isinstance(notice, BrokerChanged):
                        self.error = notice.reason
                        (self.connected.set if notice.connected else self.connected.clear)()
                    self._on_notice(notice)
