"""Asking a camera for something over HTTP, with time-outs that hold and a login where it wants one.

Not through FFmpeg or urllib: both name the address in what they say, and neither lets go of a camera that trickles.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Final
from urllib.parse import urljoin

from edge_agent.addresses.parsing import Address, parse_camera_url
from edge_agent.errors import CameraError, Rejected
from edge_agent.vision.sources.http_login import Challenge, authorization, choose_challenge
from edge_agent.vision.sources.network import OPEN_TIMEOUT_S, connect, unreachable

_MAX_REDIRECTS: Final = 4
_CHUNK_BYTES: Final = 1 << 16
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAX_DRAINED_BYTES: Final = 1 << 16


class TemporaryHttpError(CameraError):
    """The camera answers that it cannot deliver now: asking again may help."""


class HttpCamera:
    """One camera over HTTP: its connection, its login, and how to leave it. For one thread, but for :meth:`interrupt`.

    Args:
        address: Where it is, with user and password.
        source: ``camera.source``, for redirects.
        timeout_s: How long the camera may be silent, and a picture may take.
        clock: Monotonic seconds.
    """

    def __init__(
        self, address: Address, source: str, timeout_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = str(address)
        self._address, self._source = address, source
        self._timeout_s, self._clock = timeout_s, clock
        self._socket: socket.socket | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._response: http.client.HTTPResponse | None = None
        self._challenge: Challenge | None = None
        self._challenge_uses = 0

    def get(self) -> str:
        """Ask for the address; what comes is read by :meth:`read`.

        Returns:
            The answer's media type in small letters, such as ``image/jpeg``; empty where none is named.

        Raises:
            TemporaryHttpError: The camera cannot deliver now.
            CameraError: It cannot be reached, wants another login, or answers with something else.
        """
        with self._translated():
            for _ in range(_MAX_REDIRECTS + 1):
                status = self._ask()
                if status == HTTPStatus.UNAUTHORIZED and self._take_challenge():
                    status = self._ask()
                if status not in _REDIRECTS:
                    self._check_status(status)
                    assert self._response is not None
                    kind = self._response.headers.get_content_type() if self._response.headers["Content-Type"] else ""
                    return kind.lower() if re.fullmatch(r"[\w.+-]{1,40}/[\w.+-]{1,60}", kind) else ""
                self._follow()
        raise CameraError(self.name, received="one redirection after another", expected="a picture or a stream")

    def read(self, deadline: float) -> bytes:
        """The next bytes, at least one; empty at the end of the answer.

        Raises:
            CameraError: None came until ``deadline``, in monotonic seconds, or the connection broke.
        """
        assert self._response is not None
        if self._response.isclosed():
            return b""
        remaining = deadline - self._clock()
        with self._translated():
            if remaining <= 0:
                raise TimeoutError
            if self._socket is not None and self._socket.fileno() >= 0:
                self._socket.settimeout(remaining)
            return self._response.read1(_CHUNK_BYTES)

    def has_more(self) -> bool:
        """Whether bytes have arrived that were not read."""
        connected = self._socket
        if connected is None or connected.fileno() < 0:
            return False
        buffered = isinstance(connected, ssl.SSLSocket) and connected.pending() > 0
        return buffered or bool(select.select([connected], [], [], 0)[0])

    def interrupt(self) -> None:
        """Cut the connection, from any thread: a running call of the others ends."""
        connected = self._socket
        if connected is not None:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection. Another :meth:`get` opens a new one."""
        for part in (self._response, self._connection, self._socket):
            if part is not None:
                with contextlib.suppress(OSError):
                    part.close()
        self._response = self._connection = self._socket = None

    def _ask(self) -> int:
        """Send one request, on the connection of the last where the camera keeps it; the answer's status."""
        kept = self._is_reusable()
        try:
            return self._send()
        except (http.client.HTTPException, OSError):
            # A camera may close a connection that it was going to keep, at any moment.
            if not kept:
                raise
            self.close()
            return self._send()

    def _is_reusable(self) -> bool:
        if self._response is not None and not self._response.isclosed():
            with contextlib.suppress(http.client.HTTPException, OSError):
                self._response.read(_MAX_DRAINED_BYTES)
        usable = self._connection is not None and self._response is not None and self._response.isclosed()
        if not usable or self._connection is None or self._connection.sock is None:
            self.close()
        return self._connection is not None

    def _send(self) -> int:
        if self._connection is None:
            self._open()
        assert self._connection is not None
        headers: dict[str, str | bytes] = {"Accept": "*/*", "User-Agent": "edge-agent", "Connection": "keep-alive"}
        if self._challenge is not None:
            self._challenge_uses += 1
            headers["Authorization"] = authorization(
                self._challenge,
                self._address.target,
                self._address.username,
                self._address.password,
                count=self._challenge_uses,
            ).encode()
        if self._socket is not None:
            self._socket.settimeout(self._timeout_s)
        self._connection.request("GET", self._address.target, headers=headers)
        self._response = self._connection.getresponse()
        return self._response.status

    def _open(self) -> None:
        address = self._address
        timeout_s = min(OPEN_TIMEOUT_S, max(self._timeout_s, 0.1))
        self._socket = connect(address, timeout_s)
        self._socket.settimeout(timeout_s)
        if address.scheme == "https":
            self._socket = ssl.create_default_context().wrap_socket(self._socket, server_hostname=address.host)
        self._connection = http.client.HTTPConnection(address.host, address.port)
        self._connection.sock = self._socket

    def _take_challenge(self) -> bool:
        """Note what login the camera asks for; false where there is none to give, or the one given was wrong."""
        assert self._response is not None
        challenge = choose_challenge(self._response.headers.get_all("WWW-Authenticate") or [])
        given = self._challenge
        if challenge is None or not self._address.username:
            return False
        if given is not None and not challenge.stale and given.scheme == challenge.scheme:
            same_nonce = given.parameters.get("nonce") == challenge.parameters.get("nonce")
            if same_nonce or self._challenge_uses <= 1:
                return False
        self._challenge, self._challenge_uses = challenge, 0
        return True

    def _follow(self) -> None:
        """Turn to where the camera redirects to. The login goes along to the same host and port alone."""
        assert self._response is not None
        old = self._address
        location = urljoin(f"{old.origin}{old.target}", self._response.headers.get("Location") or "")
        new = parse_camera_url(location, self._source)
        if isinstance(new, Rejected):
            raise CameraError(
                self.name, received="a redirection to something that is no address", expected="a picture or a stream"
            )
        if (new.scheme, new.host.lower(), new.port) == (old.scheme, old.host.lower(), old.port):
            self._address = new.with_credentials(old.username, old.password)
        else:
            self._address = new.with_credentials("", "")
            self._challenge = None
            self.close()

    def _check_status(self, status: int) -> None:
        if status == HTTPStatus.OK:
            return
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            named = bool(self._address.username)
            raise CameraError(
                self.name,
                received=f"a login that the camera does not accept ({status})" if named else f"no login ({status})",
                expected="its user and password",
                remedy="Check camera.username and the file that camera.password_file names",
            )
        known = HTTPStatus(status).phrase.lower() if status in HTTPStatus._value2member_map_ else "unknown"
        temporary = status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS) or status >= 500
        raise (TemporaryHttpError if temporary else CameraError)(
            self.name,
            received=f"the status {status} ({known})",
            expected="a picture or a stream",
            remedy="Wait, or restart the camera" if temporary else "Check the path in camera.url",
        )

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Whatever goes wrong on the connection, in words of this project. Texts of others may quote the address."""
        try:
            yield
        except CameraError:
            self.close()
            raise
        except TimeoutError:
            self.close()
            raise CameraError(
                self.name,
                received=f"no picture within {self._timeout_s:g} s",
                expected="a picture",
                remedy="Check the camera's power and its network",
            ) from None
        except ssl.SSLError as error:
            self.close()
            words = getattr(error, "verify_message", "") or (error.reason or "no TLS").lower().replace("_", " ")
            raise CameraError(
                self.name,
                received=f"TLS: {words}",
                expected="a certificate that this device trusts",
                remedy="Install the camera's authority on this device, or use http within a closed network",
            ) from None
        except OSError as error:
            self.close()
            raise unreachable(self._address, error) from None
        except (http.client.HTTPException, ValueError):
            self.close()
            raise CameraError(
                self.name,
                received="an answer that is no HTTP",
                expected="a picture or a stream",
                remedy="Check the port in camera.url, and whether it is https",
            ) from None
