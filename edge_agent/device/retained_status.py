"""Birth and death of the device's session, as they stand retained at the broker."""

from __future__ import annotations

import threading
from typing import NamedTuple

from edge_agent.device.builders import MessageBuilder
from edge_agent.device.device_session import DeliveredByTopic, DeviceSession
from edge_agent.device.home_assistant import HomeAssistant
from edge_agent.device.unqueued import UnqueuedMessage, UnqueuedMessages
from edge_agent.mqtt.connection import Will
from edge_agent.protocol.messages import Status, encode
from edge_agent.protocol.topics import STATUS

_CLOCK_STEP_S = 1.0


class _Published(NamedTuple):
    """What the last birth said that may change."""

    started_unix_s: float
    clock_synced: bool
    earlier_runs: dict[str, DeliveredByTopic]


class RetainedStatus:
    """Publishes the birth, and gives the two forms of the death: the will and the offline message.

    Args:
        topic: The device's ``status``.
        session: The session that is born.
        builder: Builds the messages.
        unqueued: Where messages go that are not events.
        home_assistant: The device's place in Home Assistant, which is announced together with the birth.
        will_delay_s: How long the broker waits before it publishes the will.
    """

    def __init__(
        self,
        topic: str,
        session: DeviceSession,
        builder: MessageBuilder,
        unqueued: UnqueuedMessages,
        home_assistant: HomeAssistant,
        will_delay_s: int,
    ) -> None:
        self._topic, self._session, self._builder, self._unqueued = topic, session, builder, unqueued
        self._home_assistant, self._will_delay_s = home_assistant, will_delay_s
        self._births = threading.Lock()  # else an older birth, built on another thread, might be enqueued last
        self._published: _Published | None = None

    def will(self) -> Will:
        """What the broker publishes when the connection breaks."""
        death = Status(state="offline", session=self._session.id, reason="connection_lost")
        return Will(self._topic, encode(death), self._will_delay_s)

    def offline_message(self) -> UnqueuedMessage:
        """The death to send before the device disconnects on purpose."""
        return UnqueuedMessage(self._topic, encode(self._builder.death(self._session.current)), retain=True)

    def publish(self) -> None:
        """Publish the birth as it is now."""
        session = self._session
        with self._births:
            self._published = _Published(
                session.current.started_unix_s(), session.clock_synced(), session.delivered_of_earlier_runs()
            )
            self._unqueued.enqueue_retained(STATUS, self._builder.birth(session.current, session.known()))
            self._home_assistant.announce()

    def publish_again(self) -> None:
        """Publish the birth anew where there has been one: something it says has changed."""
        if self._published is not None:
            self.publish()

    def publish_if_outdated(self) -> None:
        """Publish the birth anew where what it says no longer holds.

        That is where the clock has been set since, and where events of earlier runs have been delivered since: of those
        runs only the birth says what exists.
        """
        published, session = self._published, self._session
        if published is None:
            return
        stepped = abs(session.current.started_unix_s() - published.started_unix_s) > _CLOCK_STEP_S
        if stepped or session.clock_synced() != published.clock_synced:
            session.remember_start()
            self.publish()
        elif session.delivered_of_earlier_runs() != published.earlier_runs:
            self.publish()
