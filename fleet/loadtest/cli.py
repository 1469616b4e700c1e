"""The command ``edge-agent fleet simulate``."""

from __future__ import annotations

import json as jsonlib
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from edge_agent.addresses.parsing import check_host
from edge_agent.config import MqttSettings
from edge_agent.config_file import load_settings
from edge_agent.errors import InputError

_SESSION_EXPIRY_S = 60
_BROKER = "allow_anonymous true\nmax_inflight_messages 50\nmax_queued_messages 20000\n"
"""The in-flight limit is that of deploy/mosquitto/classroom.conf. The queue holds what a listener short of processor
time has not yet fetched: at 500 devices, Mosquitto's default of 1000 messages is a second and a half."""


def simulate(
    devices: Annotated[int, typer.Option(min=1, max=5000, help="How many devices.")] = 50,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="For how long they send.")] = 30.0,
    host: Annotated[str, typer.Option(help="The broker.")] = "localhost",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 1883,
    config: Annotated[
        Path | None, typer.Option("--config", help="Take broker and credentials from this agent's TOML file.")
    ] = None,
    start_broker: Annotated[
        bool, typer.Option("--start-broker", help="Start a Mosquitto on this machine for the test, and stop it.")
    ] = False,
    broker_pid: Annotated[int | None, typer.Option(min=1, help="The broker's process on this machine.")] = None,
    processes: Annotated[int, typer.Option(min=0, help="Number of processes for the devices; 0 chooses.")] = 0,
    faces: Annotated[int, typer.Option(min=0, max=40, help="People in front of each device.")] = 12,
    change_every: Annotated[
        float, typer.Option(min=0.1, max=3600, help="Mean seconds between two changes of a face.")
    ] = 10.0,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Load a broker with simulated devices that use the real publisher. Print latency, loss and processor time."""
    from fleet.loadtest.load_generator import Rates
    from fleet.loadtest.local_broker import HOST, local_broker
    from fleet.loadtest.simulation import Plan, run_simulation

    if start_broker and (config or broker_pid):
        raise InputError("fleet simulate --start-broker", expected="neither --config nor --broker-pid with it")
    check_host(host, "--host", "--port", InputError)
    mqtt = load_settings(config).mqtt if config else MqttSettings(host=host, port=port)
    with ExitStack() as stack:
        if start_broker:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-agent-broker-"))
            broker = stack.enter_context(local_broker(Path(folder), _BROKER))
            mqtt, broker_pid = MqttSettings(host=HOST, port=broker.port), broker.pid
        plan = Plan(
            mqtt=replace(mqtt, session_expiry_s=_SESSION_EXPIRY_S),
            devices=devices,
            seconds=seconds,
            rates=Rates(faces=faces, change_every_s=change_every),
            processes=processes,
            broker_pid=broker_pid,
        )
        found = run_simulation(plan, lambda line: typer.echo(line, err=True))
    if json:
        typer.echo(jsonlib.dumps(found.as_dict(), indent=2))
    else:
        for name, value in found.rows():
            typer.echo(f"{name:26}{value}")
    for warning in found.warnings:
        typer.echo(f"note: {warning}", err=True)
