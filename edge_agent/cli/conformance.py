"""The command ``edge-agent conformance``."""

from __future__ import annotations

from typing import Annotated

import typer

from edge_agent.cli.options import ConfigOption, read_settings
from edge_agent.errors import CheckFailed, InputError


def conformance(
    host: Annotated[str, typer.Option(help="The broker.")] = "localhost",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 1883,
    config: ConfigOption = None,
    protocol: Annotated[str, typer.Option(help="MQTT version of the broker: 5 or 3.1.1.")] = "5",
    root: Annotated[str, typer.Option(help="First part of the topics.")] = "classroom",
    device: Annotated[str, typer.Option(help="The device to judge, as SITE/ID.")] = "",
    start: Annotated[str, typer.Option(help="Command that starts the device; it is ended and killed, too.")] = "",
    client: Annotated[str, typer.Option(help="Judge this subscriber program instead of a device.")] = "",
    seconds: Annotated[float, typer.Option(min=1, help="How long to watch before anything is sent.")] = 20.0,
    patience: Annotated[float, typer.Option(min=0.1, help="How many seconds to wait for an answer.")] = 10.0,
    mute: Annotated[bool, typer.Option(help="Close and open the device's camera.")] = True,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    list_clauses: Annotated[bool, typer.Option("--list", help="Print what is demanded, and judge nothing.")] = False,
    whole: Annotated[bool, typer.Option("--all", help="Print what passed, too.")] = False,
) -> None:
    """Judge a device, or with --client a subscriber program, by the contract.

    With --config, at the broker and with the credentials it names. Exit codes: 0 nothing failed, 1 something failed, 3
    wrong options, 7 no broker.
    """
    from edge_agent.conformance.checks import DEVICE_CLAUSES
    from edge_agent.conformance.client_checks import CLIENT_CLAUSES
    from edge_agent.conformance.client_run import judge_client
    from edge_agent.conformance.operator import Plan
    from edge_agent.conformance.program import Program
    from edge_agent.conformance.report import as_json, as_markdown, counts, table
    from edge_agent.conformance.run import judge_device
    from edge_agent.mqtt.endpoint import Broker
    from edge_agent.protocol.topics import Topics

    if list_clauses:
        typer.echo(as_markdown([*DEVICE_CLAUSES, *CLIENT_CLAUSES.all]))
        return
    if protocol not in ("5", "3.1.1"):
        raise InputError("--protocol", received=protocol, expected="5 or 3.1.1")
    if bool(client) == bool(device):
        raise InputError("what to judge", expected="either --device SITE/ID or --client COMMAND")
    broker = (
        Broker.from_settings(read_settings(config).mqtt)
        if config
        else Broker(host, port, "5" if protocol == "5" else "3.1.1")
    )

    def say(what: str) -> None:
        typer.echo(what, err=True)

    if client:
        verdicts = judge_client(broker, root, client, say)
    else:
        site, slash, name = device.partition("/")
        if not (site and slash and name) or "/" in name:
            raise InputError("--device", received=device, expected="SITE/ID")
        starter = Program(start) if start else None
        try:
            plan = Plan(seconds=seconds, patience_s=patience, mute=mute)
            verdicts = judge_device(broker, Topics(root, site, name), plan, starter, say)
        finally:
            if starter is not None:
                starter.stop()
    typer.echo(as_json(verdicts) if json_output else table(verdicts, whole=whole))
    if any(verdict.result == "fail" for verdict in verdicts):
        raise CheckFailed(f"conformance: {counts(verdicts)}")
