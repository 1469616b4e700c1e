"""Errors of a connection in the words of a program, which has arguments where a device has settings."""

from __future__ import annotations

import re

from edge_agent.errors import BrokerError

_ARGUMENTS = (
    (r"Enrol the device, which sets mqtt\.tls\.cert and mqtt\.tls\.key", "Load a certificate and its key into tls"),
    (r"\. At a school's broker, enrol the device(?: again)?", ""),
    (r"Enrol the device at this broker's school", "Get one from this broker's school"),
    (r"Look with 'edge-agent doctor' whether it is valid", "See whether it is valid and has not ended"),
    (r" \(see 'edge-agent doctor'\)", ""),
    (r"nrol the device anew\b", "nrol anew"),
    (r" \(mqtt\.\w+\)", ""),
    (r"the password in mqtt\.password_file", "password"),
    (r"mqtt\.tls\.enabled = true and mqtt\.tls\.ca", "tls"),
    (r"mqtt\.tls\.enabled = false", "tls = None"),
    (r"mqtt\.tls\.ca\b", "the authority in tls"),
    (r"mqtt\.tls\.\w+", "tls"),
    (r"mqtt\.(\w+)", r"\1"),
)
"""What the remedies call a setting, and what :class:`~edge_agent.mqtt.endpoint.Broker` calls it."""


_REMEDIES = tuple((re.compile(setting), argument) for setting, argument in _ARGUMENTS)


def for_programs(error: BrokerError) -> BrokerError:
    """The same error. Its remedy names the arguments of ``Broker`` in place of a device's settings."""
    for setting, argument in _REMEDIES:
        error.remedy = setting.sub(argument, error.remedy)
    return _with_remedy(error)


def for_settings(table: str, error: BrokerError) -> BrokerError:
    """The same error. Its remedy names the keys of a settings file with the broker in that table."""
    error.remedy = re.sub(r"\bmqtt\.", f"{table}.", error.remedy)
    return _with_remedy(error)


def _with_remedy(error: BrokerError) -> BrokerError:
    before, _, _ = str(error).partition(". ")
    error.args = (f"{before}. {error.remedy}." if error.remedy else before,)
    return error
