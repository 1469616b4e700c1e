"""What the page proves itself with: loaded at the start, and again when its files have changed."""

from __future__ import annotations

import logging
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

from dashboard.settings import PageSettings
from edge_agent.addresses.masking import shown_path
from edge_agent.config import TlsSettings
from edge_agent.errors import ConfigError
from edge_agent.mqtt.own_certificate import certificate_end
from edge_agent.rights import denied_read

_log = logging.getLogger(__name__)
_SOON = timedelta(days=14)

_State = tuple[tuple[int, int, int], ...]


class Certificate:
    """The page's certificate and key.

    Args:
        page: Settings that name both files.

    Attributes:
        context: For the server. New connections get what was loaded last; open ones keep what they have.

    Raises:
        ConfigError: The files cannot be read, or do not belong together.
    """

    def __init__(self, page: PageSettings) -> None:
        self._cert, self._key = page.tls_cert, page.tls_key
        self._seen, self._refused = self._state(), ""
        self.context = _new_context()
        self._load(self.context)
        self._warn_of_end()

    def refresh(self) -> bool:
        """Load the files again where they have changed; whether that was done.

        Files that cannot be used are reported once and tried again when they change. What was loaded before stays.
        """
        state = self._state()
        if state == self._seen:
            return False
        try:
            self._load(_new_context())  # tried on another one: a context with half a pair would serve nobody
            self._load(self.context)
        except ConfigError as error:
            if str(error) != self._refused:
                self._refused = str(error)
                _log.warning("the page keeps its old certificate: %s", error)
            return False
        self._seen, self._refused = state, ""
        _log.info("the page uses its new certificate for new connections")
        self._warn_of_end()
        return True

    def _warn_of_end(self) -> None:
        ends = certificate_end(TlsSettings(enabled=True, cert=self._cert, key=self._key))
        if ends is not None and ends < datetime.now(timezone.utc) + _SOON:
            gone = "has ended" if ends < datetime.now(timezone.utc) else "ends"
            _log.warning(
                "the page's certificate %s %s on %s: browsers then refuse it. The school's authority renews it: "
                "sudo edge-agent fleet page --host NAME. If that is wrong, check this machine's clock",
                self._cert,
                gone,
                f"{ends:%Y-%m-%d}",
            )

    def _load(self, context: ssl.SSLContext) -> None:
        _check_readable("tls_cert", self._cert)
        _check_readable("tls_key", self._key)
        try:
            context.load_cert_chain(self._cert, self._key, password=lambda: "")
        except (OSError, ValueError) as error:
            other = getattr(error, "reason", "") == "KEY_VALUES_MISMATCH"
            found = "a key of another certificate" if other else "no PEM files of these kinds, or damaged ones"
            raise ConfigError(
                f"$.page.tls_cert {shown_path(self._cert)} and $.page.tls_key",
                received=found,
                expected="a certificate and its own key without a passphrase, both in PEM form",
                remedy="Name the two files that belong together",
            ) from None

    def _state(self) -> _State:
        """What tells whether the files are others; of one that cannot be found, nothing."""
        return tuple(_state_of(name) for name in (self._cert, self._key))


def _state_of(name: str) -> tuple[int, int, int]:
    try:
        status = Path(name).stat()
    except (OSError, ValueError):
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _check_readable(key: str, name: str) -> None:
    try:
        with Path(name).open("rb"):
            pass
    except (OSError, ValueError) as error:
        words, remedy = denied_read(Path(name), error) if isinstance(error, OSError) else ("no path", "")
        raise ConfigError(f"$.page.{key} {shown_path(name)}: cannot be read: {words}", remedy=remedy) from None
