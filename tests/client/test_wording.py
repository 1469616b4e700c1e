"""Errors of a connection name the arguments that a program has, not a device's settings."""

from __future__ import annotations

import inspect
import re

import pytest

from edge_agent.client.wording import for_programs, for_settings
from edge_agent.errors import BrokerError
from edge_agent.mqtt import connection, dial, errors, faults
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.errors import ConnectError

BROKER = Broker("broker.school.lan", 8884)


def test_a_wrong_password_is_called_as_the_program_calls_it() -> None:
    error = for_programs(ConnectError(BROKER, 0x86, "bad user name or password"))
    assert str(error) == (
        "broker broker.school.lan:8884 refuses the connection: got bad user name or password. "
        "Check username and password."
    )


@pytest.mark.parametrize("module", [connection, dial, errors, faults], ids=lambda module: module.__name__)
def test_no_remedy_names_a_setting(module: object) -> None:
    remedies = re.findall(r'"([^"\n]*mqtt\.[^"\n]*)"', inspect.getsource(module))  # type: ignore[arg-type]
    for remedy in remedies:
        error = for_programs(BrokerError(f"broker {BROKER} cannot be reached", received="silence", remedy=remedy))
        assert "mqtt." not in str(error)
        assert "the device" not in str(error)
        assert str(error).startswith("broker broker.school.lan:8884 cannot be reached: got silence. ")


def test_an_error_without_remedy_stays_as_it_is() -> None:
    assert str(for_programs(BrokerError("broker b: gone"))) == "broker b: gone"


def test_a_command_with_a_settings_file_names_its_keys() -> None:
    for table in ("mqtt", "broker"):
        error = for_settings(table, ConnectError(BROKER, 0x86, "bad user name or password"))
        assert str(error).endswith(f"Check {table}.username and the password in {table}.password_file.")
