"""Reports to the service manager: the agent is ready, alive, stopping. Without one all of this does nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping

READY = "READY=1"
STOPPING = "STOPPING=1"
WATCHDOG = "WATCHDOG=1"


def status(text: str) -> str:
    """The line that ``systemctl status`` shows."""
    return "STATUS=" + " ".join(text.split())


def notify(*states: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send states to the socket that ``NOTIFY_SOCKET`` names, as sd_notify(3) does; ``@`` begins an abstract name.

    Returns:
        Whether they were handed over. A service manager that has gone away is no reason to stop, so that nothing is
        raised.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not states or address[:1] not in ("/", "@"):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.sendto("\n".join(states).encode(), address)
    except OSError:
        return False
    return True


def watchdog_s(environ: Mapping[str, str] = os.environ, pid: int | None = None) -> float | None:
    """How often, in seconds, the service manager wants to hear ``WATCHDOG``; ``None`` where it does not watch us."""
    try:
        period_us = int(environ.get("WATCHDOG_USEC", "0"))
        meant_for = int(environ.get("WATCHDOG_PID", "0"))
    except ValueError:
        return None
    if period_us <= 0 or meant_for not in (0, os.getpid() if pid is None else pid):
        return None
    return period_us / 1e6


class Heartbeat:
    """Decides when the watchdog is fed: only while everything that has to turn does.

    Args:
        watchdog_s: The service manager's period in seconds, from :func:`watchdog_s`. It is fed every quarter of that,
            and not while something has stood still for half of it.
        now: Monotonic seconds of the start; from then on all parts count as having turned once.
    """

    def __init__(self, watchdog_s: float, now: float) -> None:
        self._every_s, self._limit_s = watchdog_s / 4, watchdog_s / 2
        self._started_at = now
        self._next_at = now
        self._stuck: tuple[str, ...] = ()

    def beat(self, now: float, turned_at: Mapping[str, float]) -> tuple[str, ...]:
        """What to report to the service manager at this moment; mostly nothing.

        Args:
            now: Monotonic seconds.
            turned_at: By part (``perception``, ``publisher``), the monotonic seconds of its last turn.
        """
        if now < self._next_at:
            return ()
        self._next_at = now + self._every_s
        stuck = tuple(part for part, at in turned_at.items() if now - max(at, self._started_at) > self._limit_s)
        states: tuple[str, ...] = () if stuck else (WATCHDOG,)
        if stuck != self._stuck:
            self._stuck = stuck
            states += (status(f"stands still: {', '.join(stuck)}" if stuck else "running"),)
        return states


class Watchdog:
    """Feeds the service manager's watchdog; does nothing where there is none.

    Args:
        turned_at: Gives, by part, the monotonic seconds of its last turn. The thread that calls :meth:`feed` need not
            be among them: while it is stuck, it feeds nothing.
        now: Monotonic seconds of the start.
    """

    def __init__(self, turned_at: Callable[[], Mapping[str, float]], now: float) -> None:
        period_s = watchdog_s()
        self._heartbeat = None if period_s is None else Heartbeat(period_s, now)
        self._turned_at = turned_at

    def feed(self, now: float) -> None:
        """Report that all parts turn, as often as the service manager asks for; ``now`` in monotonic seconds."""
        if self._heartbeat is not None:
            notify(*self._heartbeat.beat(now, self._turned_at()))
