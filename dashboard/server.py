"""The page's process: client thread, state, database and web server, from start to end."""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import uvicorn

from dashboard.access.access import Access
from dashboard.following import Following, Taker
from dashboard.history import Recorder
from dashboard.history.opening import open_store
from dashboard.live.school import School
from dashboard.recording import retention_of, tell_what_is_stored, topics_to_catch_up
from dashboard.settings import DashboardSettings
from dashboard.timetable import Timetable
from dashboard.web.app import make_app
from dashboard.web.formats import zone_of
from dashboard.web.gate import AccountGate
from dashboard.web.site import Site
from dashboard.web.templating import make_templates
from edge_agent.addresses.masking import shown_host, shown_path
from edge_agent.addresses.parsing import bracketed
from edge_agent.config import TlsSettings
from edge_agent.errors import ConfigError
from edge_agent.mqtt.own_certificate import certificate_end
from edge_agent.rights import denied_read

log = logging.getLogger(__name__)

_BACKLOG = 128
_SOON = timedelta(days=14)


def serve(
    settings: DashboardSettings,
    ready: Callable[[str], None],
    *,
    takers: Sequence[Taker] = (),
    accounts_command: str = "edge-agent dashboard accounts",
) -> None:
    """Show the page until SIGINT or SIGTERM.

    Args:
        settings: The page's settings.
        ready: Called with the page's address once it can be opened.
        takers: Get every notice of the client, on its thread.
        accounts_command: What makes accounts, for the remedy of an error.

    Raises:
        ConfigError: A file cannot be used, the address is not free, or others would reach a page without accounts.
        DatabaseError: The database cannot be used.
        InputError: A timetable file cannot be used.
    """
    tls = _tls(settings)
    history = open_store(settings.store)
    try:
        access = Access(history.database, settings.access)
        check_who_reaches(settings, access, accounts_command)
        loopback = is_loopback(settings.page.host)
        school = School(time.time())
        gate = AccountGate(access, encrypted=tls is not None, loopback=loopback)
        templates = make_templates(settings.page, time.time)
        recorder = (
            Recorder(history, retention=retention_of(settings.retention), resume=True)
            if settings.store.record
            else None
        )
        site = Site(
            settings,
            school,
            templates,
            gate=gate,
            access=access,
            history=history,
            recorder=recorder,
            timetable=_timetable(settings),
        )
        _run(site, tls, ready, takers)
    finally:
        history.close()


def _timetable(settings: DashboardSettings) -> Timetable | None:
    if not settings.timetable.files:
        return None
    files = [Path(file) for file in settings.timetable.files]
    return Timetable(files, zone_of(settings.page.time_zone), settings.timetable.rooms)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_who_reaches(settings: DashboardSettings, access: Access, accounts_command: str) -> None:
    """Refuse to be reached by other machines without accounts: everybody would see and might do everything.

    Args:
        settings: The page's.
        access: Its accounts.
        accounts_command: What makes accounts, for the remedy.

    Raises:
        ConfigError: Others would reach it, and there is no account, or their passwords could be read on the way.
    """
    page = settings.page
    if is_loopback(page.host):
        return
    if not access.accounts.any():
        raise ConfigError(
            f"$.page.host: {shown_host(page.host)}",
            expected="127.0.0.1, ::1 or localhost while the page has no accounts",
            remedy=f"Make the first one: {accounts_command} add NAME --role data_officer",
        )
    if not page.tls_cert and not page.plain_http:
        raise ConfigError(
            f"$.page.host: {shown_host(page.host)}: passwords could be read on the way",
            expected="a certificate: page.tls_cert and page.tls_key, or --tls-cert and --tls-key",
            remedy="The school's authority issues one: sudo edge-agent fleet page --host NAME. "
            "Or say that it does not matter: page.plain_http = true",
        )


def _run(site: Site, tls: ssl.SSLContext | None, ready: Callable[[str], None], takers: Sequence[Taker]) -> None:
    settings = site.settings
    app, hub = make_app(site)
    recorder, history = site.recorder, site.history
    if recorder is None or history is None:
        following = Following(settings.broker, site.school, hub.changed, takers)
    else:
        following = Following(
            settings.broker,
            site.school,
            hub.changed,
            (recorder.take, *takers),
            prepare=lambda classroom: tell_what_is_stored(history, classroom),
            catch_up=topics_to_catch_up(settings.retention),
        )
    listener = _listen(settings)
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        ws="none",
        proxy_headers=False,
    )
    scheme = "https" if tls is not None else "http"
    server = _Server(config, tls, lambda: ready(f"{scheme}://{bracketed(settings.page.host)}:{port}/"))
    if recorder is not None:
        recorder.start()
    following.start()
    try:
        server.run([listener])
    finally:
        following.stop()
        if recorder is not None:
            recorder.close()
        listener.close()


class _Server(uvicorn.Server):
    """Says when it can be reached."""

    def __init__(self, config: uvicorn.Config, tls: ssl.SSLContext | None, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tls, self._on_started = tls, on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        self.config.ssl = self._tls
        await super().startup(sockets)
        if self.started:
            self._on_started()


def _tls(settings: DashboardSettings) -> ssl.SSLContext | None:
    """What the page proves itself with; ``None`` without a certificate."""
    page = settings.page
    if not page.tls_cert:
        return None
    _check_readable("tls_cert", page.tls_cert)
    _check_readable("tls_key", page.tls_key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(page.tls_cert, page.tls_key, password=lambda: "")
    except (OSError, ValueError) as error:
        other = getattr(error, "reason", "") == "KEY_VALUES_MISMATCH"
        found = "a key of another certificate" if other else "no PEM files of these kinds, or damaged ones"
        raise ConfigError(
            f"$.page.tls_cert {shown_path(page.tls_cert)} and $.page.tls_key",
            received=found,
            expected="a certificate and its own key without a passphrase, both in PEM form",
            remedy="Name the two files that belong together",
        ) from None
    ends = certificate_end(TlsSettings(enabled=True, cert=page.tls_cert, key=page.tls_key))
    if ends is not None and ends < datetime.now(timezone.utc) + _SOON:
        gone = "has ended" if ends < datetime.now(timezone.utc) else "ends"
        log.warning(
            "the page's certificate %s %s on %s: browsers then refuse it. The school's authority renews it: "
            "sudo edge-agent fleet page --host NAME. If that is wrong, check this machine's clock",
            page.tls_cert,
            gone,
            f"{ends:%Y-%m-%d}",
        )
    return context


def _check_readable(key: str, name: str) -> None:
    try:
        with Path(name).open("rb"):
            pass
    except (OSError, ValueError) as error:
        words, remedy = denied_read(Path(name), error) if isinstance(error, OSError) else ("no path", "")
        raise ConfigError(f"$.page.{key} {shown_path(name)}: cannot be read: {words}", remedy=remedy) from None


def _listen(settings: DashboardSettings) -> socket.socket:
    page = settings.page
    family = socket.AF_INET6 if ":" in page.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((page.host, page.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"the page at {shown_host(page.host)}:{page.port}: {(error.strerror or str(error)).lower()}",
            remedy="Choose another port with --port or page.port",
        ) from None
    return listener
