"""The command ``edge-agent watch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edge_agent.cli.options import ConfigOption, JsonOption, read_settings
from edge_agent.errors import InputError

if TYPE_CHECKING:
    from edge_agent.config import MqttSettings


def watch(
    host: Annotated[str, typer.Option(help="The broker.")] = "localhost",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 1883,
    config: ConfigOption = None,
    protocol: Annotated[Literal["5", "3.1.1"], typer.Option(help="MQTT version of the broker.")] = "5",
    site: Annotated[str, typer.Option(help="Only this site.")] = "+",
    device: Annotated[str, typer.Option(help="Only this device.")] = "+",
    json: JsonOption = False,
) -> None:
    """Show live what devices publish. With --config, at the broker and with the credentials it names.

    Piped, it prints a line for every message. With --json each line is an object.
    """
    from edge_agent.console.live_view import show_live_view
    from edge_agent.system.logs import set_up_logging
    from edge_agent.system.stop_signals import stop_on_signals

    set_up_logging(quiet=True)
    settings = read_settings(config).mqtt if config else _broker(host, port, protocol)
    with stop_on_signals() as stop:
        show_live_view(settings, site, device, stop, as_json=json)


def _broker(host: str, port: int, protocol: Literal["5", "3.1.1"]) -> MqttSettings:
    from edge_agent.addresses.parsing import check_host
    from edge_agent.config import MqttSettings

    check_host(host, "--host", "--port", InputError)
    return MqttSettings(host=host, port=port, protocol=protocol)
