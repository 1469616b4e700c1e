"""Home Assistant's MQTT entities as far as a discovery message reaches, after the code of its version 2026.11.

Templates are rendered by Jinja with the functions that they use. What a result means, when a value expires, what
``this`` shows and which attributes an unavailable entity loses is as there. State changes pile up in ``changes``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cache
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

_NUMERIC = ("state_class", "unit_of_measurement")
_MISSING = object()
_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
_compiled = cache(_ENVIRONMENT.from_string)


class TemplateWarning(AssertionError):
    """Home Assistant would log a warning or an error."""


@dataclass
class This:
    """An entity's state as templates see it."""

    state: str = "unknown"
    attributes: dict[str, Any] = field(default_factory=dict)


class Entity:
    """One entity."""

    def __init__(self, home: Home, config: dict[str, Any]) -> None:
        self._home, self._config = home, config
        self._available = {entry["topic"]: False for entry in config["availability"]}
        self._native: str | bool | None = None
        self._attributes: dict[str, Any] = {}
        self._expires_at: float | None = None
        self._expired = "expire_after" in config
        self.this = This("unavailable")
        self.changes: list[str] = []

    @property
    def state(self) -> str:
        return self.this.state

    def restore(self, native: str | bool) -> None:
        """Home Assistant starts again before the value has expired."""
        self._native, self._expired = native, False
        self._expires_at = self._home.now + self._config["expire_after"]
        self.write()

    def message(self, topic: str, payload: str) -> None:
        """A message comes; every subscription sees the state from before it."""
        config = self._config
        for entry in config["availability"]:
            if entry["topic"] == topic:
                said = self._render(entry["value_template"], payload)
                self._available[topic] = {"online": True, "offline": False}.get(said, self._available[topic])
        if config.get("json_attributes_topic") == topic:
            attributes = json.loads(self._render(config["json_attributes_template"], payload))
            assert isinstance(attributes, dict)
        else:
            attributes = self._attributes
        if config["state_topic"] == topic:
            if "expire_after" in config:
                self._expired, self._expires_at = False, self._home.now + config["expire_after"]
            self._take(self._render(config["value_template"], payload))
        self._attributes = attributes
        self.write()

    def time_passes(self) -> None:
        if self._expires_at is not None and self._home.now >= self._expires_at:
            self._expires_at, self._expired = None, True
            self.write()

    def write(self) -> None:
        """Put the state where templates and automations see it."""
        state = self._shown() if all(self._available.values()) and not self._expired else "unavailable"
        if state != self.this.state:
            self.changes.append(state)
        self.this = This(state, dict(self._attributes) if state != "unavailable" else {})

    def _shown(self) -> str:
        if self._native is None:
            return "unknown"
        return {True: "on", False: "off"}[self._native] if isinstance(self._native, bool) else self._native

    def _take(self, result: str) -> None:
        config = self._config
        if config["platform"] in ("binary_sensor", "switch"):
            words = {
                config.get("state_on", config["payload_on"]): True,
                config.get("state_off", config["payload_off"]): False,
                "None": None,
            }
            if result:
                self._native = words[result]
            return
        if result == "None":
            self._native = None
        elif any(key in config for key in _NUMERIC):
            if result:
                self._native = str(float(result)) if "." in result else str(int(result))
        elif "options" in config:
            if result not in config["options"]:
                raise TemplateWarning(f"Ignoring invalid option {result!r}")
            self._native = result
        elif config.get("device_class") == "timestamp":
            self._native = datetime.fromisoformat(result.replace("Z", "+00:00")).isoformat()
        else:
            self._native = result

    def _render(self, template: str, payload: str) -> str:
        return self._home.render(template, value=payload, this=self.this, **_decoded(payload))

    def command(self, on: bool) -> str:
        """What the switch publishes."""
        value = self._config["payload_on" if on else "payload_off"]
        return self._home.render(self._config["command_template"], value=value, this=self.this)


def _decoded(payload: str) -> dict[str, Any]:
    try:
        return {"value_json": json.loads(payload)}
    except ValueError:
        return {}


class Home:
    """The entities of one device.

    Args:
        discovery: The discovery message.
        now: Seconds since 1970 by Home Assistant's clock.
    """

    def __init__(self, discovery: dict[str, Any], now: float) -> None:
        self.now = now
        shared = {name: discovery[name] for name in ("availability", "qos")}
        self.entities = {
            name: Entity(self, shared | config) for name, config in discovery["components"].items() if len(config) > 1
        }

    def __getitem__(self, name: str) -> Entity:
        return self.entities[name]

    def message(self, topic: str, payload: bytes) -> None:
        """A message comes."""
        for entity in self.entities.values():
            entity.message(topic, payload.decode())

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds
        for entity in self.entities.values():
            entity.time_passes()

    def render(self, template: str, **variables: Any) -> str:
        """What Home Assistant makes of a template."""
        return _compiled(template).render(utcnow=self._utcnow, as_timestamp=_as_timestamp, **variables).strip()

    def _utcnow(self) -> datetime:
        return datetime.fromtimestamp(self.now, tz=timezone.utc)


def _as_timestamp(value: Any, default: Any = _MISSING) -> Any:
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
    except (ValueError, TypeError, AttributeError):
        if default is _MISSING:
            raise
        return default
