"""A call that may hang, bounded in time.

What waits for a disk, a pipe or the look-up of a name has no time limit of its own. So it is called on a thread, which
is left behind at the limit. The thread does not keep the program from ending.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class NotInTime(Exception):
    """The call is not over yet."""


class BoundedCall(Generic[T]):
    """A call that starts at once, on a thread of its own.

    Args:
        call: What to call.
        name: Of the thread.
    """

    def __init__(self, call: Callable[[], T], name: str) -> None:
        self._call = call
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def result(self, within_s: float) -> T:
        """What the call returned, or raise what it raised.

        Args:
            within_s: How long to wait for it, in seconds.

        Raises:
            NotInTime: It is not over. It may be asked for again.
        """
        self._thread.join(max(0.0, within_s))
        if self._error is not None:
            raise self._error
        if not self._results:
            raise NotInTime
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._call())
        except BaseException as error:  # noqa: BLE001 - raised again on the thread that asks for the result
            self._error = error
