"""Changing single values of a configuration that people write."""

from __future__ import annotations

import pytest

from edge_agent.enrol.settings_file import Value, set_values
from edge_agent.errors import ConfigError

FILE = """# ours
[device]
id = "pi-3a"   # by the window

[mqtt]
host = "localhost" # for now
port = 1883
"""


def test_a_value_changes_and_everything_else_stays() -> None:
    changed = set_values(FILE, {"mqtt": {"host": "broker.school.lan"}})
    assert changed == FILE.replace('"localhost"', '"broker.school.lan"')


def test_missing_keys_and_tables_are_added() -> None:
    changed = set_values(FILE, {"device": {"room": "2b"}, "mqtt.tls": {"enabled": True}})
    assert changed == FILE.replace("[device]\n", '[device]\nroom = "2b"\n') + "\n[mqtt.tls]\nenabled = true\n"


def test_doing_it_twice_changes_nothing_more() -> None:
    changes: dict[str, dict[str, Value]] = {"mqtt": {"port": 8883}, "mqtt.tls": {"enabled": True}}
    once = set_values(FILE, changes)
    assert set_values(once, changes) == once


@pytest.mark.parametrize(
    "written",
    ['mqtt = { host = "localhost" }\n', 'mqtt.host = "localhost"\n', '[mqtt]\nhost = """\nlocalhost"""\n'],
)
def test_what_cannot_be_changed_safely_is_left_to_a_person(written: str) -> None:
    with pytest.raises(ConfigError, match="by hand"):
        set_values(written, {"mqtt": {"host": "broker.school.lan"}})
