"""How the device is doing, as it stands retained at the broker."""

from __future__ import annotations

from edge_agent.device.builders import MessageBuilder
from edge_agent.device.device_session import DeviceSession
from edge_agent.device.statistics import StatisticsCollector
from edge_agent.device.unqueued import UnqueuedMessages
from edge_agent.protocol.messages import Health, HealthReport
from edge_agent.protocol.topics import HEALTH

_STALE_AFTER = 4
"""Reports that have to be missing before the broker drops the last one."""


class HealthReports:
    """Publishes the reports of the pipeline with what messaging adds to them.

    Args:
        session: The session that reports.
        builder: Builds the messages.
        unqueued: Where messages go that are not events.
        statistics: What messaging has done.
        every_s: Seconds from one report to the next.

    Attributes:
        last: The message built last, whether or not it could be sent; ``None`` before the first.
    """

    def __init__(
        self,
        session: DeviceSession,
        builder: MessageBuilder,
        unqueued: UnqueuedMessages,
        statistics: StatisticsCollector,
        every_s: float,
    ) -> None:
        self._session, self._builder, self._unqueued, self._statistics = session, builder, unqueued, statistics
        self._expiry_s = round(_STALE_AFTER * every_s)
        self._report: HealthReport | None = None
        self.last: Health | None = None

    def publish(self, report: HealthReport) -> None:
        """Publish a report."""
        self._report = report
        self.publish_again()

    def publish_again(self) -> None:
        """Publish the last report with what messaging says now; nothing before the first."""
        if self._report is None:
            return
        session = self._session
        self.last = self._builder.health(self._report, session.current, self._statistics.collect(), session.delivered())
        self._unqueued.enqueue_retained(HEALTH, self.last, self._expiry_s)
