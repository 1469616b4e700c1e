"""The page's commands. ``edge-agent dashboard`` and so on take them from here, so that only typer is imported early."""

from __future__ import annotations

import math
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dashboard.access.cli import accounts_app, note_at_terminal, opened

if TYPE_CHECKING:
    from dashboard.settings import DashboardSettings

ConfigOption = Annotated[
    Path | None, typer.Option("--config", readable=False, help="The page's TOML file; defaults where left out.")
]
BrokerOption = Annotated[str | None, typer.Option(metavar="HOST[:PORT]", help="Instead of broker.host and port.")]


dashboard = typer.Typer(
    no_args_is_help=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Show the school in a browser: live view, lessons, devices. Ctrl-C ends it.",
)


dashboard.add_typer(accounts_app, name="accounts")


@dashboard.callback()
def show(
    context: typer.Context,
    config: ConfigOption = None,
    broker: BrokerOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of page.host.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port, instead of page.port.")] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(readable=False, help="The page's certificate, instead of page.tls_cert.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(readable=False, help="Its private key, instead of page.tls_key.")
    ] = None,
) -> None:
    """Show the school in a browser: live view, lessons, devices. Ctrl-C ends it."""
    context.obj = config
    if context.invoked_subcommand is not None:
        return
    from edge_agent.extras import needs_extra
    from edge_agent.system.logs import set_up_logging

    set_up_logging()
    settings = _settings(config, broker, host=host, port=port, tls_cert=tls_cert, tls_key=tls_key)
    with needs_extra("dashboard"):
        from dashboard.server import serve
    accounts_command = "edge-agent dashboard accounts" + (f" --config {shlex.quote(str(config))}" if config else "")
    serve(settings, lambda address: typer.echo(_where(address, settings)), accounts_command=accounts_command)


def _where(address: str, settings: DashboardSettings) -> str:
    """Says where the page is. Nobody can open an address that stands for all of a machine's."""
    if settings.page.host not in ("0.0.0.0", "::"):
        return f"the page is at {address}"
    name = "a name of its certificate" if settings.page.tls_cert else "this machine's name"
    return f"the page is at {address} (every address of this machine: open it by {name})"


def _settings(config: Path | None, broker: str | None, **page: str | int | Path | None) -> DashboardSettings:
    from msgspec.structs import replace

    from dashboard.settings import DashboardSettings, check_dashboard_settings, load_dashboard_settings
    from edge_agent.errors import InputError

    settings = load_dashboard_settings(config) if config else DashboardSettings()
    if broker is not None:
        name, colon, number = broker.rpartition(":")
        if not colon or "]" in number:
            name, number = broker, str(settings.broker.port)
        if not number.isdecimal() or len(number) > 5 or not 1 <= int(number) <= 65535:
            raise InputError("--broker", received="a port that is no number from 1 to 65535", expected="HOST:PORT")
        settings = replace(settings, broker=replace(settings.broker, host=name.strip("[]"), port=int(number)))
    changes = {name: str(value) if isinstance(value, Path) else value for name, value in page.items() if value}
    settings = replace(settings, page=replace(settings.page, **changes))
    check_dashboard_settings(settings)
    return settings


@dashboard.command()
def erase(
    context: typer.Context,
    room: Annotated[str | None, typer.Option(metavar="SITE/DEVICE", help="The device whose data goes.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All rooms, instead of --room.")] = False,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="2026-11-23 or 2026-11-23T08:00; by default the begin.")
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", metavar="TIME", help="The same; a date is its whole day; by default now."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, for scripts.")] = False,
    config: ConfigOption = None,
) -> None:
    """Erase for good what the page has stored of a room and a time. It asks first, and notes it in the page's log."""
    from edge_agent.errors import InputError
    from edge_agent.extras import needs_extra

    if (room is None) != every:
        raise InputError("dashboard erase", expected="either --room SITE/DEVICE or --all")
    config = config or context.obj
    settings = _settings(config, None)
    with needs_extra("dashboard"):
        from dashboard.access.details import shown_counts, shown_time
        from dashboard.access.roles import parse_room
        from dashboard.erasing import erase_and_note
        from dashboard.exporting import read_time
        from dashboard.web.formats import zone_of
    zone = zone_of(settings.page.time_zone)
    since = max(read_time(start, "--from", zone), 0.0) if start is not None else -math.inf
    until = max(read_time(end, "--to", zone, end=True), 0.0) if end is not None else math.inf
    if until < since:
        raise InputError("--to", received="a time before --from", expected="a later time")
    device = parse_room(room) if room is not None else None
    with opened(config) as (access, history):
        known = history.rooms()
        if device is not None and device not in known:
            names = ", ".join(f"{site}/{name}" for site, name in known) or "none"
            raise InputError(
                f"--room {room}", received="a room of which nothing is stored", expected=f"one of: {names}"
            )
        whose = f"{device.site}/{device.id}" if device is not None else "all rooms"
        typer.echo(
            f"What {history.database.shown} holds of {whose} is to be erased, "
            f"from {shown_time(since)} to {shown_time(until)}.\n"
            f"That is: {shown_counts(history.count(device, since, until))}.\n"
            "Nobody can bring it back. Backups and exports are not reached: erase them where they are."
        )
        if not yes:
            if not sys.stdin.isatty():
                raise InputError("the answer", expected="a terminal to ask at, or --yes")
            if not typer.confirm("Erase for good?"):
                typer.echo("nothing was erased")
                raise typer.Exit(1)
        counts = erase_and_note(
            history, device, since, until, lambda of, detail: note_at_terminal(access, "erase", detail, of)
        )
    typer.echo(f"erased: {shown_counts(counts)}")


def record(config: ConfigOption = None, broker: BrokerOption = None) -> None:
    """Record what devices send into the page's database, without a page. Ctrl-C ends it."""
    from edge_agent.extras import needs_extra
    from edge_agent.system.logs import set_up_logging

    set_up_logging()
    settings = _settings(config, broker)
    with needs_extra("dashboard"):
        from dashboard.recording import record as run
    run(settings, lambda place: typer.echo(f"recording into {place}"))


def export(
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="2026-11-23 or 2026-11-23T08:00.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="The same; a date counts as its whole day.")],
    room: Annotated[
        list[str] | None, typer.Option(help="SITE/DEVICE, or the room's name. Repeatable; all rooms by default.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write: .csv or .parquet. By default CSV to standard output.")
    ] = None,
    step: Annotated[int, typer.Option(min=0, max=86_400, help="Join windows to so many seconds; 0 joins none.")] = 0,
    config: ConfigOption = None,
) -> None:
    """Write what the page has stored of rooms as CSV or Parquet."""
    from edge_agent.errors import InputError
    from edge_agent.extras import needs_extra

    settings = _settings(config, None)
    suffix = ".csv" if out is None else out.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise InputError(f"--out {out}", expected="a name that ends in .csv or .parquet")
    with needs_extra("dashboard"):
        from dashboard.exporting import export as read
        from dashboard.exporting import read_time, write
        from dashboard.history.opening import open_store
        from dashboard.web.formats import zone_of
    zone = zone_of(settings.page.time_zone)
    since, until = read_time(start, "--from", zone), read_time(end, "--to", zone, end=True)
    history = open_store(settings.store)
    try:
        exported = read(history, room or [], since, until, "parquet" if suffix == ".parquet" else "csv", step)
    finally:
        history.close()
    if out is None:
        typer.echo(exported.content.decode(), nl=False)
    else:
        write(exported.content, out)
        typer.echo(f"exported: {exported.rows} {'row' if exported.rows == 1 else 'rows'} to {out}")
