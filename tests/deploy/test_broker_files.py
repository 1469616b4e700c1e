"""The broker's configuration for both generations of Mosquitto."""

from __future__ import annotations

from pathlib import Path

MOSQUITTO = Path(__file__).parents[2] / "deploy" / "mosquitto"
DEPRECATED = ("acl_file", "password_file", "per_listener_settings")
"""What Mosquitto 2.1 still reads and 3.0 no longer will."""


def settings(name: str) -> list[str]:
    """The lines of a file that say something to the broker."""
    lines = (MOSQUITTO / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def about_access(line: str) -> bool:
    return line.split()[0] in (*DEPRECATED, "global_plugin", "plugin_opt_acl_file", "plugin_opt_password_file")


def test_both_files_say_the_same_but_for_where_rules_and_passwords_are_read() -> None:
    old, new = settings("classroom.conf"), settings("classroom-2.1.conf")
    assert [line for line in old if not about_access(line)] == [line for line in new if not about_access(line)]
    assert [line.split()[1] for line in old if about_access(line)] == [
        line.split()[1] for line in new if line.startswith("plugin_opt_")
    ]


def test_the_newer_file_uses_nothing_that_is_to_go() -> None:
    assert [line for line in settings("classroom-2.1.conf") if line.split()[0] in DEPRECATED] == []


def test_the_older_file_uses_nothing_that_its_version_does_not_know() -> None:
    assert [line for line in settings("classroom.conf") if "plugin" in line] == []
