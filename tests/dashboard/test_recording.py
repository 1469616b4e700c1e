"""The recorder with a real broker and a real device: everything once, and what was missed is fetched, and only that."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dashboard.following import Following
from dashboard.history import History, Recorder, Retention, open_history
from dashboard.live.school import School
from dashboard.recording import tell_what_is_stored, topics_to_catch_up
from dashboard.settings import BrokerSettings, RetentionSettings
from edge_agent.cli import app
from edge_agent.client import Device
from edge_agent.device.messenger import Messenger
from edge_agent.protocol.messages import encode
from tests.dashboard.messages import birth
from tests.support.broker import Mosquitto, Subscriber, running_mosquitto, wait_until
from tests.support.messaging import mosquitto, settings_for, start_messenger
from tests.support.samples import a_change, a_report, a_window

__all__ = ["mosquitto", "start_messenger"]

Start = Callable[..., Messenger]
PI = Device("north", "pi-3a")


def windows(history: History) -> int:
    return len(history.shares(PI, 0, 1e11).at)


@contextmanager
def recording(history: History, port: int, retention: RetentionSettings | None = None) -> Iterator[Recorder]:
    """A recorder that runs until the block ends, and is then as good as killed."""
    retention = retention or RetentionSettings()
    recorder = Recorder(history, retention=Retention(faces_days=retention.faces_days))
    following = Following(
        BrokerSettings(host="127.0.0.1", port=port),
        School(0.0),
        lambda _: None,
        (recorder.take,),
        prepare=lambda classroom: tell_what_is_stored(history, classroom),
        catch_up=topics_to_catch_up(retention),
    )
    recorder.start()
    following.start()
    try:
        yield recorder
    finally:
        following.stop()
        recorder.close()


def test_why_there_is_no_connection_stands_in_the_log_and_that_there_is_one_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_mosquitto(tmp_path) as broker:
        broker.stop()
        following = Following(BrokerSettings(host="127.0.0.1", port=broker.port), School(0.0), lambda _: None)
        following.start()
        try:
            wait_until(lambda: "cannot be reached: got connection refused" in caplog.text, what="the reason in the log")
            assert "(mqtt.host)" not in caplog.text
            broker.start()
            wait_until(lambda: "connected to the broker again" in caplog.text, what="the connection in the log")
            assert caplog.text.count("connection refused") == 1
        finally:
            following.stop()


def publish(messenger: Messenger, count: int) -> None:
    before = dict(messenger.statistics().outbox.delivered)
    for _ in range(count):
        messenger.summary(a_window())
        messenger.expression(a_change())
    for kind in ("summary", "expression"):
        wait_until(
            lambda kind=kind: messenger.statistics().outbox.delivered.get(kind, 0) == before.get(kind, 0) + count,  # type: ignore[misc]
            what="delivery",
        )
    messenger.health(a_report())


def test_what_was_missed_is_fetched_once_and_nobody_else_gets_it(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    history = open_history(str(tmp_path / "history.db"))
    messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
    publish(messenger, 5)
    with (
        Subscriber(mosquitto.port, ("classroom/v1/#",)) as other,
        Subscriber(mosquitto.port, ("classroom/resent/#",)) as resent,
    ):
        with recording(history, mosquitto.port):
            wait_until(lambda: windows(history) == 5, what="what was before")
            publish(messenger, 3)
            wait_until(lambda: windows(history) == 8, what="what is new")
        publish(messenger, 4)
        with recording(history, mosquitto.port):
            wait_until(lambda: windows(history) == 12, what="what came in between")
        assert len(other.on("summary")) == 7
        assert len(resent.on("summary")) == 9  # the first five and the four in between, not all twelve
        assert not resent.on("expression")  # events of faces are not stored, so they are not fetched
    assert history.health(PI, 0, 1e11).fps
    history.close()


def test_events_of_faces_are_fetched_where_they_are_stored(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    history = open_history(str(tmp_path / "history.db"))
    messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
    publish(messenger, 4)
    with recording(history, mosquitto.port, RetentionSettings(faces_days=1)):
        wait_until(lambda: history.stored().kinds["faces"].rows == 4, what="events of faces")
    history.close()


@pytest.fixture
def config(mosquitto: Mosquitto, tmp_path: Path) -> Path:
    file = tmp_path / "dashboard.toml"
    file.write_text(
        f'[broker]\nhost = "127.0.0.1"\nport = {mosquitto.port}\n[store]\nplace = "{tmp_path}/page.db"\n'
        '[page]\ntime_zone = "Europe/Zurich"\n'
    )
    return file


def test_a_message_that_cannot_be_read_is_named_in_the_log_once(
    mosquitto: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history = open_history(str(tmp_path / "history.db"))
    with recording(history, mosquitto.port), Subscriber(mosquitto.port) as device:
        for payload in (b'{"state":"odd\\n","session":"1"}', b"\xff\n"):
            device.publish("classroom/v1/north/pi-9/status", payload, retain=True)
            device.publish("classroom/v1/north/<b>9/status", payload, retain=True)
        wait_until(lambda: len(caplog.records) >= 2, what="the log")
        device.publish("classroom/v1/north/pi-10/status", b"", retain=False)
        device.publish("classroom/v1/north/pi-10/health", b"x", retain=True)
        wait_until(lambda: "pi-10" in caplog.text, what="what came last")
    said = [record.getMessage() for record in caplog.records if "cannot be read" in record.getMessage()]
    assert [text.split("'")[1] for text in said] == [
        "classroom/v1/north/pi-9/status",
        "classroom/v1/north/<b>9/status",
        "classroom/v1/north/pi-10/health",
    ]
    assert not any("\n" in text for text in said)
    history.close()


def test_the_command_records_until_it_is_stopped(
    mosquitto: Mosquitto, start_messenger: Start, config: Path, tmp_path: Path
) -> None:
    messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
    command = [sys.executable, "-m", "edge_agent.cli", "record", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().decode() == f"recording into {tmp_path}/page.db\n"
        history = open_history(f"{tmp_path}/page.db")
        publish(messenger, 2)
        wait_until(lambda: windows(history) == 2, what="the windows")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    markers = [(marker.kind, marker.text) for marker in history.markers(PI, 0, 1e11)]
    assert markers[0] == ("recorder", "began")
    assert markers[-1] == ("recorder", "ended")
    history.close()


def test_a_second_recorder_takes_over_and_the_first_one_ends_with_an_error(config: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edge_agent.cli", "record", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        history = open_history(f"{tmp_path}/page.db")
        wait_until(lambda: history.markers(PI, 0, 1e11), what="the begin")
        second = Recorder(history)
        assert second.commit()
        _, said = process.communicate(timeout=60)
        assert process.returncode == 1
    assert b"another recorder stores into the same database now" in said
    history.close()


class TestExport:
    def export(self, *arguments: str) -> Any:
        return CliRunner().invoke(app, ["export", *arguments])

    @pytest.fixture
    def filled(self, mosquitto: Mosquitto, start_messenger: Start, config: Path, tmp_path: Path) -> Path:
        history = open_history(f"{tmp_path}/page.db")
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        publish(messenger, 3)
        with recording(history, mosquitto.port):
            wait_until(lambda: windows(history) == 3 and history.room_names().get(PI) == "2b", what="the windows")
        history.close()
        return config

    @pytest.mark.parametrize("room", [["--room", "north/pi-3a"], ["--room", "PI-3A"], ["--room", "2B"], []])
    def test_csv_of_a_room_by_any_of_its_names(self, filled: Path, room: list[str]) -> None:
        done = self.export(*room, "--from", "2020-01-01", "--to", "2099-12-31", "--config", str(filled))
        assert done.exit_code == 0, done.output
        lines = done.output.splitlines()
        assert len(lines) == 4
        assert lines[0].startswith("site,device,room,end,window_s,people,withheld,late,undated,approximate,share_happy")
        assert lines[1].startswith("north,pi-3a,2b,20")

    def test_files(self, filled: Path, tmp_path: Path) -> None:
        for name, begin in (("out.csv", b"site,device"), ("out.parquet", b"PAR1")):
            out = tmp_path / name
            done = self.export("--from", "2020-01-01", "--to", "2099-01-01", "--out", str(out), "--config", str(filled))
            assert done.exit_code == 0, done.output
            assert out.read_bytes().startswith(begin)
            assert done.output == f"exported: 3 rows to {out}\n"

    def test_an_unknown_room_is_answered_with_ten_at_most(
        self, filled: Path, mosquitto: Mosquitto, tmp_path: Path
    ) -> None:
        history = open_history(f"{tmp_path}/page.db")
        with recording(history, mosquitto.port), Subscriber(mosquitto.port) as other:
            for number in range(12):
                other.publish(f"classroom/v1/north/pi-{number:02}/status", encode(birth()), retain=True)
            wait_until(lambda: len(history.rooms()) == 13, what="the rooms")
        history.close()
        done = self.export("--room", "x", "--from", "2020-01-01", "--to", "2020-01-02", "--config", str(filled))
        assert str(done.exception).count("north/pi-") == 10
        assert "and 3 more" in str(done.exception)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--room", "4c", "--from", "2020-01-01", "--to", "2020-01-02"], "expected one of: north/pi-3a"),
            (["--from", "yesterday", "--to", "2020-01-02"], "--from: got 'yesterday'"),
            (["--from", "2020-01-02", "--to", "2020-01-01T00:00"], "a time that is not after --from"),
            (["--from", "2020-01-01", "--to", "2020-01-02", "--out", "x.xlsx"], "ends in .csv or .parquet"),
        ],
    )
    def test_mistakes_are_named(self, filled: Path, arguments: list[str], message: str) -> None:
        done = self.export(*arguments, "--config", str(filled))
        assert done.exit_code != 0
        assert message in str(done.exception)
