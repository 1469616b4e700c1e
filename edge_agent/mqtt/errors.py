"""Connect errors: why a broker does not accept a client, and what to do about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edge_agent.errors import BrokerError
from edge_agent.mqtt.endpoint import Broker

if TYPE_CHECKING:
    import ssl

OLD_BROKER = 'Set mqtt.protocol = "3.1.1" if the broker does not speak MQTT 5'
_TEMPORARY = {0x88, 0x89, 0x97, 0x9F}
"""Server unavailable, server busy, quota exceeded, connection rate exceeded."""
_BAD_CREDENTIALS = {0x86, 0x87}
"""Bad user name or password, not authorised."""


class ConnectError(BrokerError):
    """The broker answered and does not accept this client.

    Attributes:
        code: The CONNACK's reason code (MQTT 5's numbers for 3.1.1 too); 0 where TLS failed before it.
        temporary: Whether it asks to come back later.
    """

    def __init__(self, broker: Broker, code: int, reason: str, remedy: str = "") -> None:
        self.code = code
        self.temporary = code in _TEMPORARY
        remedy = remedy or _remedy(code, with_certificate=bool(broker.certificate))
        super().__init__(f"broker {broker} refuses the connection", received=reason, remedy=remedy)


def connect_error_of(broker: Broker, error: ssl.SSLError) -> ConnectError:
    """The connect error that a TLS alert of the broker stands for."""
    alert = re.search(r"ALERT_(\w+)", error.reason or "")
    if alert is None:
        return ConnectError(broker, 0, f"TLS: {error.reason or error}")
    words = alert[1].lower().replace("_", " ")
    if not re.search(r"certificate|ca$", words):
        return ConnectError(broker, 0, f"TLS: {words}")
    whose = "this device's certificate" if broker.certificate else "a device without a certificate"
    return ConnectError(
        broker,
        0,
        f"{whose}: {words}",
        remedy=(
            "It has ended or been revoked, or is another school's: look with 'edge-agent doctor', "
            "and enrol the device anew"
            if broker.certificate
            else "Enrol the device, which sets mqtt.tls.cert and mqtt.tls.key"
        ),
    )


def _remedy(code: int, *, with_certificate: bool) -> str:
    if code in _TEMPORARY:
        return ""
    if with_certificate and code in _BAD_CREDENTIALS:
        return "Its certificate is this device's account: see whether it is enrolled, with 'edge-agent fleet list'"
    return {
        0: "Set mqtt.tls.ca to the authority that signed the broker's certificate, and mqtt.host to the name in it",
        0x84: OLD_BROKER,
        0x85: "Let the broker accept this client id, or change device.site or device.id",
        0x86: "Check mqtt.username and the password in mqtt.password_file",
        0x87: "Check mqtt.username and the password in mqtt.password_file, and the broker's access rules",
        0x8A: "Lift the ban on this client at the broker",
        0x9C: "Set mqtt.host to the broker to be used instead",
        0x9D: "Set mqtt.host to the broker to be used instead",
    }.get(code, "See the broker's log")
