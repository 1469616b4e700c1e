"""The agent in a thread of the test's own process, for tests that look at its parts while it runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from edge_agent.app import Agent


@contextmanager
def running(agent: Agent) -> Iterator[Agent]:
    """Run the agent until the block ends, and wait until it has ended."""
    stop = threading.Event()
    thread = threading.Thread(target=agent.run, args=(stop,))
    thread.start()
    try:
        yield agent
    finally:
        stop.set()
        thread.join()
