"""TLS without MQTT: whether a broker accepts this device's certificate, checked without touching any session."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

from edge_agent.errors import BrokerError
from edge_agent.mqtt.dial import dial
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.errors import ConnectError, connect_error_of

_REFUSAL_WAIT_S = 1.0
"""How long a broker may take to refuse a certificate: under TLS 1.3 it does so after the handshake, unasked."""


def check_tls(broker: Broker, cancelled: Callable[[], bool] = lambda: False) -> None:
    """Open an encrypted connection, wait for a refusal and close it, all without MQTT.

    Args:
        broker: Where to connect.
        cancelled: Asked while waiting for the connection; ``True`` gives up.

    Raises:
        ConnectError: One side does not accept the other's certificate.
        BrokerError: The broker cannot be reached.
    """
    assert broker.tls is not None
    with dial(broker, cancelled) as connection:
        connection.settimeout(_REFUSAL_WAIT_S)
        try:
            _await_refusal(connection, broker)
        except ssl.SSLError as error:
            raise connect_error_of(broker, error) from None
        except OSError as error:
            words = (error.strerror or str(error)).lower()
            raise BrokerError(f"broker {broker} cannot be reached", received=words) from None


def _await_refusal(connection: socket.socket, broker: Broker) -> None:
    try:
        received = connection.recv(1)
    except TimeoutError:  # the broker waits for MQTT to begin: it accepts the certificate
        return
    if not received:
        raise ConnectError(broker, 0, "it hangs up after the handshake", remedy="See the broker's log")
