"""Connect errors: why a broker does not accept a client, and what to do about it."""

from __future__ import annotations

from edge_agent.errors import BrokerError
from edge_agent.mqtt.endpoint import Broker

OLD_BROKER = 'Set mqtt.protocol = "3.1.1" if the broker does not speak MQTT 5'
_TEMPORARY = {0x88, 0x89, 0x97, 0x9F}
"""Server unavailable, server busy, quota exceeded, connection rate exceeded."""
_UNSUPPORTED_VERSION = 0x84
_BAD_CLIENT_ID = 0x85
_OTHER_ID = "Let the broker accept this client id, or change device.site or device.id"
_BAD_CREDENTIALS = {0x86, 0x87}
"""Bad user name or password, not authorised."""


class ConnectError(BrokerError):
    """The broker answered and does not accept this client.

    Attributes:
        code: The CONNACK's reason code (MQTT 5's numbers for 3.1.1 too); 0 where TLS failed before it.
        temporary: Whether it may pass by itself: the broker asks to come back later, or a clock has yet to be set.
    """

    def __init__(
        self, broker: Broker, code: int, reason: str, remedy: str = "", *, temporary: bool | None = None
    ) -> None:
        self.code = code
        self.temporary = code in _TEMPORARY if temporary is None else temporary
        remedy = remedy or _remedy(broker, code)
        super().__init__(f"broker {broker} refuses the connection", received=reason, remedy=remedy)


def _remedy(broker: Broker, code: int) -> str:
    if code in _TEMPORARY:
        return ""
    if code == _UNSUPPORTED_VERSION and broker.protocol != "5":
        return 'Set mqtt.protocol = "5"'
    if code == _BAD_CLIENT_ID and broker.protocol != "5":
        return f"{_OTHER_ID}. Newer versions of Mosquitto also say so where mqtt.keepalive_s is above max_keepalive"
    if broker.certificate and code in _BAD_CREDENTIALS:
        return "Its certificate is this device's account: see whether it is enrolled, with 'edge-agent fleet list'"
    return {
        _UNSUPPORTED_VERSION: OLD_BROKER,
        _BAD_CLIENT_ID: _OTHER_ID,
        0x86: "Check mqtt.username and the password in mqtt.password_file",
        0x87: "Check mqtt.username and the password in mqtt.password_file, and the broker's access rules",
        0x8A: "Lift the ban on this client at the broker",
        0x9C: "Set mqtt.host to the broker to be used instead",
        0x9D: "Set mqtt.host to the broker to be used instead",
    }.get(code, "See the broker's log")
