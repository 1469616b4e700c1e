"""What all network cameras have in common: their address, who logs in, and whether anybody answers there."""

from __future__ import annotations

import socket

from edge_agent.addresses.parsing import EXAMPLES, HOW_TO_WRITE, Address, bracketed, parse_camera_url
from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError, ConfigError, Rejected
from edge_agent.files import read_password

OPEN_TIMEOUT_S = 10.0
"""How long a camera may take to answer and to send its first picture."""


def camera_address(settings: CameraSettings) -> Address:
    """The address of the camera, with the user and the password that the settings name.

    The password file is read anew each time, so that a changed password needs no restart.

    Raises:
        CameraError: The address is malformed, or the password cannot be read.
    """
    address = parse_camera_url(settings.url, settings.source)
    if isinstance(address, Rejected):
        raise CameraError(
            "camera.url",
            received=address.reason,
            expected=f"an address like {EXAMPLES[settings.source]}",
            remedy=HOW_TO_WRITE,
        )
    if not settings.username:
        return address
    try:
        password = read_password(settings.password_file, "camera.password_file") if settings.password_file else ""
    except ConfigError as error:
        raise CameraError(
            error.subject, received=error.received, expected=error.expected, remedy=error.remedy
        ) from None
    return address.with_credentials(settings.username, password)


def connect(address: Address, timeout_s: float = OPEN_TIMEOUT_S) -> socket.socket:
    """A TCP connection to the camera. This distinguishes one that does not answer from one that refuses a stream.

    Raises:
        CameraError: Nobody answers there.
    """
    try:
        return socket.create_connection((address.host, address.port), timeout=timeout_s)
    except (OSError, UnicodeError) as error:
        raise unreachable(address, error) from None


def unreachable(address: Address, error: Exception) -> CameraError:
    """The error for a camera with which there is no connection."""
    # Only `strerror` is sure not to carry the address.
    words = getattr(error, "strerror", None) or ("timed out" if isinstance(error, TimeoutError) else "no answer")
    return CameraError(
        str(address),
        received=words.lower(),
        expected=f"a camera at {bracketed(address.host)} port {address.port}",
        remedy="Check its power, its network and the address",
    )
