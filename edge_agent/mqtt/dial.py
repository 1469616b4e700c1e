"""Opening the network connection to a broker without standing still for it.

Looking up a name may take minutes where name servers are dead, and a broker that accepts a connection may never answer
the TLS handshake. Neither can be interrupted, so both happen on a thread that is left behind when nobody wants to wait
any longer. What it opens after that is closed without a word having been said.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable

from edge_agent.errors import BrokerError
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.errors import ConnectError, connect_error_of

_PATIENCE_S = 120.0
_STEP_S = 5.0
"""How long one address, and one step of the TLS handshake, may take."""
_MOST_LEFT_BEHIND = 8

_left_behind: set[_Call] = set()
_lock = threading.Lock()


def dial(
    broker: Broker, cancelled: Callable[[], bool] = lambda: False, *, patience_s: float = _PATIENCE_S
) -> socket.socket:
    """Look up the broker's name, connect and, where it is so set, encrypt.

    Args:
        broker: Where to.
        cancelled: Asked ten times a second while waiting; ``True`` gives up.
        patience_s: How long to wait.

    Returns:
        The connection, encrypted where ``broker.tls`` is set.

    Raises:
        ConnectError: One side does not accept the other's certificate.
        BrokerError: The broker cannot be reached, or not in time.
    """
    with _lock:
        if len(_left_behind) >= _MOST_LEFT_BEHIND:
            raise _unreachable(broker, "earlier attempts still wait for the network")
    call = _Call(broker)
    call.start()
    deadline = time.monotonic() + patience_s
    while not call.done.wait(0.1):
        if (cancelled() or time.monotonic() > deadline) and call.leave():
            raise _unreachable(broker, "no answer in time")
    return call.result()


class _Call(threading.Thread):
    """One attempt, and what came of it once ``done`` is set."""

    def __init__(self, broker: Broker) -> None:
        super().__init__(name="dial", daemon=True)
        self._broker = broker
        self._outcome: socket.socket | BaseException | None = None
        self.done = threading.Event()

    def run(self) -> None:
        """Connect; called on the thread."""
        outcome: socket.socket | BaseException
        try:
            outcome = _connect(self._broker)
        except BaseException as error:  # noqa: BLE001 - raised by result()
            outcome = error
        with _lock:
            self._outcome = outcome
            self.done.set()
            wanted = self not in _left_behind
            _left_behind.discard(self)
        if not wanted and isinstance(outcome, socket.socket):
            outcome.close()

    def leave(self) -> bool:
        """Do not wait any longer; ``False`` where there is a result all the same."""
        with _lock:
            if not self.done.is_set():
                _left_behind.add(self)
            return not self.done.is_set()

    def result(self) -> socket.socket:
        """What was opened.

        Raises:
            BrokerError: What went wrong instead.
        """
        if isinstance(self._outcome, ssl.SSLCertVerificationError):
            raise ConnectError(self._broker, 0, f"its certificate: {self._outcome.verify_message}")
        if isinstance(self._outcome, ssl.SSLError):
            raise connect_error_of(self._broker, self._outcome)
        if isinstance(self._outcome, (OSError, UnicodeError)):
            words = getattr(self._outcome, "strerror", None) or str(self._outcome)
            raise _unreachable(self._broker, words.lower())
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        assert self._outcome is not None
        return self._outcome


def _connect(broker: Broker) -> socket.socket:
    plain = socket.create_connection((broker.host, broker.port), timeout=_STEP_S)
    if broker.tls is None:
        return plain
    try:
        return broker.tls.wrap_socket(plain, server_hostname=broker.host)
    except BaseException:
        plain.close()
        raise


def _unreachable(broker: Broker, received: str) -> BrokerError:
    return BrokerError(f"broker {broker} cannot be reached", received=received)
