"""What to log about an outage of the broker: one line when it begins, and one when it ends."""

from __future__ import annotations


class OutageLog:
    """Turns attempts into the lines worth logging."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._refusals: set[str] = set()

    def failed(self, reason: str, now: float, *, refused: bool) -> str | None:
        """An attempt failed or a connection broke.

        Args:
            reason: Why.
            now: Monotonic seconds.
            refused: Whether the broker itself refused, which someone has to put right.

        Returns:
            What to log: that an outage begins, or a refusal not yet logged in this outage. ``None`` where nothing is.
        """
        begins = self._since is None
        if begins:
            self._since = now
        is_new = begins or (refused and reason not in self._refusals)
        if refused:
            self._refusals.add(reason)
        return f"{reason.rstrip('.')}. Events are kept and sent when the broker is back" if is_new else None

    def connected(self, broker: str, pending: int, now: float) -> str:
        """A connection stands; returns what to log."""
        since, self._since = self._since, None
        self._refusals.clear()
        after = "" if since is None else f" after an outage of {_length(now - since)}"
        waiting = f", {pending} event{'' if pending == 1 else 's'} waiting" if pending else ""
        return f"connected to broker {broker}{after}{waiting}"


def _length(seconds: float) -> str:
    """``42 s``, ``3 min 20 s`` or ``5 h 7 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
