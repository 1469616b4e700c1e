"""The page's process: client thread, state, database and web server, from start to end."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from dashboard.access.access import Access
from dashboard.certificate import Certificate
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
from edge_agent.addresses.masking import shown_host
from edge_agent.addresses.parsing import bracketed
from edge_agent.errors import ConfigError

_BACKLOG = 128
_LOOK_EVERY_S = 10.0
"""How often the page looks whether its certificate was renewed."""


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
    certificate = Certificate(settings.page) if settings.page.tls_cert else None
    history = open_store(settings.store)
    try:
        access = Access(history.database, settings.access)
        check_who_reaches(settings, access, accounts_command)
        loopback = is_loopback(settings.page.host)
        known, gone_since = history.last_known()
        school = School(time.time(), known, gone_since=gone_since)
        gate = AccountGate(access, encrypted=certificate is not None, loopback=loopback)
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
        _run(site, certificate, ready, takers)
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


def _run(site: Site, certificate: Certificate | None, ready: Callable[[str], None], takers: Sequence[Taker]) -> None:
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
    scheme = "https" if certificate is not None else "http"
    server = _Server(config, certificate, lambda: ready(f"{scheme}://{bracketed(settings.page.host)}:{port}/"))
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
    """Says when it can be reached, and looks for a new certificate."""

    def __init__(self, config: uvicorn.Config, certificate: Certificate | None, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._certificate, self._on_started = certificate, on_started
        self._looking: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        if self._certificate is not None:
            self.config.ssl = self._certificate.context
        await super().startup(sockets)
        if self.started:
            self._on_started()
            if self._certificate is not None:
                self._looking = asyncio.create_task(_look_for_new(self._certificate))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening."""
        if self._looking is not None:
            self._looking.cancel()
        await super().shutdown(sockets)


async def _look_for_new(certificate: Certificate) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        await asyncio.to_thread(certificate.refresh)


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
