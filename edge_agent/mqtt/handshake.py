"""TLS without MQTT: whether a broker accepts this device's certificate, checked without touching any session."""

from __future__ import annotations

import selectors
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace

from edge_agent.errors import BrokerError
from edge_agent.mqtt.dial import dial
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.errors import ConnectError
from edge_agent.mqtt.faults import NO_TLS, hung_up, network_fault, tls_fault

_REFUSAL_WAIT_S = 1.0
"""How long a broker may take to refuse a certificate: under TLS 1.3 it does so after the handshake, unasked."""

_LOOK_S = 3.0
"""How long a broker may take to answer TLS where it is only asked whether it does."""


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
            raise tls_fault(broker, error, agreed=True) from None
        except OSError as error:
            raise network_fault(broker, error, agreed=True) from None


def speaks_tls(broker: Broker, cancelled: Callable[[], bool] = lambda: False) -> bool:
    """Whether what listens at a broker's port answers TLS, whatever its certificate.

    Args:
        broker: Where to connect.
        cancelled: Asked while waiting for the connection; ``True`` gives up.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        dial(replace(broker, tls=context), cancelled, timeout_s=_LOOK_S).close()
    except ConnectError as error:  # also who refuses with an alert speaks TLS
        return error.remedy != NO_TLS
    except BrokerError:
        return False
    return True


def _await_refusal(connection: socket.socket, broker: Broker) -> None:
    # Python 3.14 may raise the error of an earlier connection where there is nothing to read yet.
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        if not selector.select(_REFUSAL_WAIT_S):  # the broker waits for MQTT to begin: it accepts the certificate
            return
    try:
        received = connection.recv(1)
    except TimeoutError:  # what came was of TLS itself
        return
    if not received:
        raise hung_up(broker)
