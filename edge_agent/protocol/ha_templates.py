"""The templates by which Home Assistant reads a device's messages.

Home Assistant hands a template the message as ``value_json``, which is missing where the message is empty, and the
entity's present state as ``this``. What a template gives back means:

- Nothing, with a number, a ``binary_sensor``, a ``switch`` and an availability: the state stays.
- ``None``: the state is not known.
- An enumeration, a text or a time has no way to say that nothing changes: its present state is given back.

A message changes something only where it is of this version of the contract. A ``summary`` also has to be newer than
what is shown: of the present by the device's clock, where that is set, and of a later session or number. Attributes
remember session and number. They are gone while an entity is unavailable, so that the first message is taken then.

Home Assistant counts ``expire_after`` anew with any message on the topic, whatever its template gives, and a state that
had expired is shown again. So an entity about people is available only after a ``summary`` that was newer, and no
longer where an old one comes after that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from edge_agent.protocol.topics import VERSION

WITHHELD: Final = "withheld"
"""The dominant expression where a summary is suppressed."""

ON: Final = "ON"
OFF: Final = "OFF"

_READ = (
    "{% set m = value_json if value_json is defined and value_json is mapping else {} %}"
    f"{{% set ok = m.get('v') == {VERSION} %}}"
)
_SHOWN = (
    "{% set a = this.attributes if this is defined and this.attributes is mapping else {} %}"
    "{% set state = this.state if this is defined else 'unavailable' %}"
)
_NOT_REVIVED = "{% elif this is defined and this.state == 'unavailable' %}None{% endif %}"
"""A value that has expired is not shown again because of a message that says nothing."""
_KEEP = "{{ this.state if this is defined and this.state not in ('unavailable', 'unknown') else None }}"

ISSUED_AT: Final = "{{ value[:-1] ~ ',\"issued_at\":\"' ~ utcnow().strftime('%Y-%m-%dT%H:%M:%S.%f')[:-3] ~ 'Z\"}' }}"
"""Dates a request: what a switch sends ends in a brace."""


class SummaryTemplates:
    """Templates of what is read from ``summary``.

    Args:
        present_s: A message older than this says nothing about the present.
    """

    def __init__(self, present_s: float) -> None:
        self._newer = (
            _READ + _SHOWN + "{% set at = as_timestamp(m.get('observed_at'), 0) | float(0) %}"
            "{% set known = a.get('session') is string and a.get('seq') is number %}"
            "{% set new = ok and m.get('session') is string and m.get('seq') is number"
            f" and (m.get('clock_synced') is not true or utcnow().timestamp() - at <= {present_s:g})"
            " and (not known or [m.session, m.seq] > [a.session, a.seq]) %}"
        )

    def availability(self) -> str:
        """Whether what is shown is of the present: since a newer message, until the camera is closed."""
        return (
            self._newer + "{% if new %}{{ 'offline' if m.get('muted') is true else 'online' }}"
            "{% elif state == 'unavailable' %}offline{% endif %}"
        )

    def number(self, value: str) -> str:
        """A number or the two states of a ``binary_sensor``, as an expression of the message ``m``."""
        return self._newer + f"{{% if new %}}{{{{ {value} }}}}{{% endif %}}"

    def text(self, value: str, options: Sequence[str]) -> str:
        """One of the options, as an expression of the message ``m``; unknown where it is none of them."""
        known = json.dumps([*options])
        return (
            self._newer + f"{{% set options = {known} %}}{{% set found = {value} if new else state %}}"
            "{{ found if found in options else None }}"
        )

    def attributes(self, value: str) -> str:
        """Session and number of what is shown.

        They are written anew where the state changes, and with every message of a device whose clock is not set. A
        later one that says the same needs no new row in Home Assistant's database: what came between said the same.

        Args:
            value: The state, as an expression of the message ``m``, as Home Assistant writes it.
        """
        return (
            self._newer + f"{{% set same = ({value}) | string | lower == state | string | lower %}}"
            "{% if new and (m.get('clock_synced') is not true or a.get('session') != m.session or not same) %}"
            "{{ {'session': m.session, 'seq': m.seq, 'observed_at': m.get('observed_at')} | tojson }}"
            "{% else %}{{ {'session': a.get('session'), 'seq': a.get('seq'), 'observed_at': a.get('observed_at')}"
            " | tojson }}{% endif %}"
        )


def online() -> str:
    """Whether the device is there, from ``status``."""
    return _READ + "{% if ok and m.get('state') in ('online', 'offline') %}{{ m.state }}{% endif %}"


def camera_open() -> str:
    """Whether the camera is open, from ``health``, as an availability."""
    return (
        _READ
        + "{% if ok and m.get('muted') is true %}offline{% elif ok and m.get('muted') is false %}online{% endif %}"
    )


def flag(value: str, present: str) -> str:
    """The two states of a ``binary_sensor`` or ``switch``.

    Args:
        value: An expression of the message ``m`` that is true or false.
        present: An expression that says whether the message has what ``value`` needs.
    """
    return _READ + f"{{% if ok and ({present}) %}}{{{{ '{ON}' if {value} else '{OFF}' }}}}{_NOT_REVIVED}"


def number(key: str, within: str = "m") -> str:
    """A number that ``health`` has under this key, or null where the platform does not tell it."""
    return (
        _READ + f"{{% if ok and {within} is mapping and '{key}' in {within} %}}{{% set x = ({within}).{key} %}}"
        f"{{{{ x if x is number else None }}}}{_NOT_REVIVED}"
    )


def text(value: str) -> str:
    """A text or a time; the present one stays where the message has none."""
    return (
        _READ + f"{{% set x = {value} %}}{{% if ok and x is string and x %}}{{{{ x }}}}{{% else %}}{_KEEP}{{% endif %}}"
    )


def problems() -> str:
    """The words for what is wrong, as attributes."""
    return (
        _READ + _SHOWN + "{% set words = m.get('problems') if ok else a.get('problems') %}"
        "{{ {'problems': words if words is sequence and words is not string else []} | tojson }}"
    )
