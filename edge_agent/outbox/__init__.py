"""The outbox: events wait here until the broker has acknowledged them, and stay for a while after.

How the parts fit together, from the top:

- ``outbox``: :class:`~edge_agent.outbox.outbox.Outbox`, the queue that the rest of the agent uses, with its own thread.
- ``messages``: :class:`~edge_agent.outbox.messages.MessageOutbox`, the same for any MQTT client and any topic.
- ``queue_heads``: the oldest undelivered rows of each topic, in memory; decides which row is sent next.
- ``replay``: requests to send stored rows again, and their answers.
- ``statistics``: the outbox's state in numbers, for health reports and metrics.
- ``retention``: how long delivered rows are kept, whatever the clock says.
- ``fallback_store``: where rows are kept: on disk while it works, in memory while it does not.
- ``sqlite_store`` and ``memory_store``: the two stores behind it; ``store``: the contract of all three, and the row.
- ``checksums``: of rows, deliveries and sessions. ``sqlite_errors``: what SQLite says, as cause and remedy.
  ``examination``: what ``doctor`` asks about the files.
- ``quarantine``: moves a corrupt file out of the way; ``recovery`` reads what it still holds, page by page, with the
  help of ``sqlite_pages``.

The way of an event: ``Outbox.put`` queues it, the outbox's thread writes it to the store and adds it to its queue head,
``Outbox.take`` hands it to the sender, and ``Outbox.delivered`` notes the broker's acknowledgement.

Programs of others use :class:`MessageOutbox`, which takes messages on any topic: docs/outbox.md.
"""

from edge_agent.outbox.messages import MessageOutbox, StoredMessage
from edge_agent.outbox.statistics import OutboxStatistics

__all__ = ["MessageOutbox", "OutboxStatistics", "StoredMessage"]
