"""Opening the network connection to a broker without blocking the caller for longer than it wants to wait.

Looking up a name may take minutes where name servers are dead, and a broker that accepts a connection may never answer
the TLS handshake. Neither can be interrupted, so both happen on a thread. It is abandoned when the caller does not want
to wait any longer; what it opens after that is closed at once.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone

from edge_agent.addresses.parsing import check_host
from edge_agent.errors import BrokerError
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.faults import (
    CHECK_ADDRESS,
    NO_TLS,
    certificate_fault,
    network_fault,
    peer_certificate,
    tls_fault,
    unreachable,
)

_TIMEOUT_S = 120.0
_STEP_S = 5.0
"""How long one address, and one step of the TLS handshake, may take."""
_MAX_ABANDONED = 8

_NO_NETWORK = "Check this device's network and its name servers: 'ip route', 'getent hosts NAME'"

_abandoned: set[_Attempt] = set()
_lock = threading.Lock()


def dial(
    broker: Broker, cancelled: Callable[[], bool] = lambda: False, *, timeout_s: float = _TIMEOUT_S
) -> socket.socket:
    """Look up the broker's name, connect and, where it is so set, encrypt.

    Args:
        broker: Where to connect.
        cancelled: Asked ten times a second while waiting; ``True`` gives up.
        timeout_s: How long to wait, in seconds.

    Returns:
        The connection, encrypted where ``broker.tls`` is set.

    Raises:
        ConnectError: One side does not accept the other's certificate.
        BrokerError: The broker cannot be reached, or not in time.
    """
    check_host(broker.host, "the broker's host", "mqtt.port", BrokerError)
    with _lock:
        if len(_abandoned) >= _MAX_ABANDONED:
            raise unreachable(broker, "earlier attempts still wait for the network", _NO_NETWORK)
    attempt = _Attempt(broker)
    attempt.start()
    deadline = time.monotonic() + timeout_s
    while not attempt.done.wait(0.1):
        if (cancelled() or time.monotonic() > deadline) and attempt.abandon():
            raise unreachable(broker, "no answer in time", f"{CHECK_ADDRESS}. {_NO_NETWORK}")
    return attempt.result()


class _Attempt(threading.Thread):
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
            wanted = self not in _abandoned
            _abandoned.discard(self)
        if not wanted and isinstance(outcome, socket.socket):
            outcome.close()

    def abandon(self) -> bool:
        """Do not wait any longer; ``False`` where the result has come meanwhile."""
        with _lock:
            if not self.done.is_set():
                _abandoned.add(self)
            return not self.done.is_set()

    def result(self) -> socket.socket:
        """What was opened.

        Raises:
            BrokerError: What went wrong instead.
        """
        if isinstance(self._outcome, ssl.SSLError):
            raise tls_fault(self._broker, self._outcome)
        if isinstance(self._outcome, UnicodeError):  # whose text may quote the host
            raise unreachable(self._broker, "a name that cannot be looked up", "Check the spelling of mqtt.host")
        if isinstance(self._outcome, OSError):
            raise network_fault(self._broker, self._outcome)
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
    except ssl.SSLCertVerificationError as error:
        plain.close()
        found = peer_certificate(broker)
        raise certificate_fault(broker, error, found, datetime.now(timezone.utc)) from None
    except BaseException as error:
        plain.close()
        if isinstance(error, TimeoutError):
            raise unreachable(broker, "no answer to TLS", NO_TLS) from None
        raise
