"""Fleet commands against a real broker: the fleet status, enrolment over ssh, and a broker that does not reload."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from edge_agent.device.probe import probe_broker
from edge_agent.errors import BrokerError, InputError
from edge_agent.mqtt.connection import Connection
from edge_agent.protocol.ha_discovery import discovery_topic
from edge_agent.protocol.messages import ModelUpdate, Status, encode
from edge_agent.protocol.topics import HEALTH, STATUS, Topics
from fleet.broker_connection import read_retained, reload_broker
from fleet.cli import add, list_devices
from fleet.fleet_status import _update
from fleet.register import utc_now, write_register
from tests.fleet.conftest import DeviceFiles, SchoolUnderTest
from tests.fleet.test_access import connected, publishes, with_account
from tests.support.broker import wait_until


def stand_in_for_ssh(folder: Path, device: DeviceFiles) -> str:
    """A command that runs its argument as if on the device: its configuration, its keys, its ``sudo``."""
    program = "import typer; from edge_agent.cli.enrol import enrol; typer.run(enrol)"
    enrol = [sys.executable, "-c", program, "--config", str(device.config), "--keys", str(device.keys)]
    scripts = {
        "sudo": 'exec "$@"',
        "systemctl": f'echo "$@" >> {shlex.quote(str(folder / "systemctl.log"))}',
        "edge-agent": f'shift; exec {shlex.join(enrol)} "$@"',
        "ssh": f'shift 2; PATH={shlex.quote(str(folder))}:$PATH exec sh -c "$1"',
    }
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return str(folder / "ssh")


def test_one_command_enrols_a_device_over_ssh(school: SchoolUnderTest, tmp_path: Path) -> None:
    device = school.new_device("remote")
    add(None, ssh="pi@remote", ssh_command=stand_in_for_ssh(tmp_path, device), folder=school.folder)
    assert "may publish and subscribe" in probe_broker(device.settings)
    assert (tmp_path / "systemctl.log").read_text() == "try-restart edge-agent\n"


def test_a_device_that_cannot_be_reached_is_named(school: SchoolUnderTest) -> None:
    with pytest.raises(InputError, match="pi@nowhere: 'sudo edge-agent enrol --request -' failed"):
        add(None, ssh="pi@nowhere", ssh_command="false", folder=school.folder)


def test_the_fleet_status_joins_the_register_with_what_devices_say(
    school: SchoolUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    speaker, _ = school.device("speaks"), school.device("silent")
    entry = school.entry("silent")
    ending = replace(entry, issued=(replace(entry.issued[-1], until=entry.issued[-1].at + timedelta(days=10)),))
    write_register(school.folder, school.fleet().register.with_device(ending, utc_now()))
    connection = Connection(speaker.broker(), "x")
    birth = Status(state="online", session="01JD5W7T4KQ2", at="2026-11-22T09:00:00.000Z", version="0.1.0", model="9f86")
    connection.publish(Topics("classroom", "school", "speaks").of(STATUS), encode(birth), retain=True)
    wait_until(lambda: connection.poll(0.1), what="an answer")
    capsys.readouterr()
    list_devices(folder=school.folder, json=True)
    connection.close()
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert [rows["school/speaks"][key] for key in ("state", "version", "model", "last_seen", "due")] == [
        "online",
        "0.1.0",
        "9f86",
        "2026-11-22T09:00:00.000Z",
        False,
    ]
    assert (rows["school/silent"]["state"], rows["school/silent"]["due"]) == ("never seen", True)


def test_what_a_broker_keeps_is_found_however_long_its_answer_takes(school: SchoolUnderTest) -> None:
    speaker = school.device("speaks")
    topic = Topics("classroom", "school", "speaks").of(STATUS)
    with connected(speaker.broker()) as voice:
        assert publishes(voice, topic, b"here", retain=True)
    with connected(with_account(school, "dashboard"), "looks") as reader:
        school.broker.pause()
        busy = threading.Timer(1.0, school.broker.resume)
        busy.start()
        assert [message.payload for message in read_retained(reader, [topic])] == [b"here"]
        busy.join()


def test_what_a_device_says_of_itself_does_not_draw_on_the_screen(
    school: SchoolUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    device = school.device("draws")
    refused = ModelUpdate(source="bundled", state="refused", wanted=1, reason="[/red] \x1b[2J\x1b]0;owned\x07")
    connection = Connection(device.broker(), "")
    try:
        topic = Topics("classroom", "school", "draws").of(STATUS)
        status = Status(state="online", session="S", version="[bold]", model_update=refused)
        connection.publish(topic, encode(status), retain=True)
        wait_until(lambda: connection.poll(0.05), what="an acknowledgement")
    finally:
        connection.close()
    capsys.readouterr()
    list_devices(folder=school.folder)
    printed = capsys.readouterr().out
    assert "refused: [/red] ?[2J?]0;owned?" in printed
    assert "[bold]" in printed


def test_a_broker_that_goes_by_its_old_rules_is_noticed(
    school: SchoolUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet.broker_connection._APPLIED_WITHIN_S", 0.3)
    register = school.fleet().register
    ahead = replace(register, edition=register.edition + 100, school=replace(register.school, reload=()))
    with pytest.raises(BrokerError, match="old access rules"):
        reload_broker(ahead, school.folder)


def test_a_revoked_device_leaves_nothing_at_the_broker_and_in_home_assistant(
    school: SchoolUnderTest,
) -> None:
    device, stays = school.device("leaves"), school.device("stays")
    own = Topics("classroom", "school", "leaves")
    health, status = own.of(HEALTH), own.of(STATUS)
    birth = encode(Status(state="online", session="S"))
    found, other = (
        discovery_topic("homeassistant", "school", "leaves"),
        discovery_topic("homeassistant", "school", "stays"),
    )
    for files, topics in ((device, (health, found)), (stays, (other,))):
        with connected(files.broker()) as voice:
            for topic in topics:
                assert publishes(voice, topic, b"{}", retain=True)
            if files is device:
                assert publishes(voice, status, birth, retain=True)
    school.revoke("leaves")
    with connected(with_account(school, "homeassistant"), "looks") as reader:
        kept = [message.topic for message in read_retained(reader, [health, status, found, other]) if message.payload]
    assert kept == [other]


@pytest.mark.parametrize(
    ("update", "shown"),
    [
        (ModelUpdate(source="bundled", state="current", wanted=3), "v3 (bundled)"),
        (ModelUpdate(source="fleet", version=2, state="current", wanted=2), "v2"),
        (ModelUpdate(source="fleet", version=2, state="refused", wanted=1, reason="older"), "v2; v1 refused: older"),
    ],
)
def test_the_list_names_the_version_in_use_and_the_refused_one(update: ModelUpdate, shown: str) -> None:
    assert _update(Status(state="online", session="S", model_update=update)) == shown


def test_the_help_lists_commands_in_the_order_of_use() -> None:
    command = [sys.executable, "-m", "fleet.cli", "--help"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100).stdout
    names = re.findall(r"^  ([a-z-]+) ", printed.partition("Commands")[2], re.MULTILINE)
    assert names[:6] == ["init", "add", "list", "renew", "revoke", "apply"]
    assert names[6:11] == ["publish-model", "promote-model", "models", "rollback-model", "withdraw-model"]
