"""The page's two accounts at a real broker with the shipped configuration, and its certificate."""

from __future__ import annotations

import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as replace_struct

from dashboard.operator import Operator
from dashboard.settings import DashboardSettings, OperatorSettings, check_dashboard_settings, load_dashboard_settings
from edge_agent.client import Arrived, Classroom, Denied, Device, Patience, Summary
from edge_agent.config import Settings
from edge_agent.device.builders import ModelIdentity
from edge_agent.device.messenger import IncomingHandlers, Messenger
from edge_agent.enrol.certificates import read_certificate
from edge_agent.errors import BrokerError, ConfigError, InputError
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.events import Received
from edge_agent.protocol.messages import Command, Desired, Reply, decode, encode
from edge_agent.protocol.topics import NAMES, Topics, asker_command_topic
from edge_agent.types import WindowSummary
from fleet.page_cli import page
from tests.fleet.conftest import DEPLOY, PASSWORD, SchoolUnderTest
from tests.fleet.test_access import connected, gets, publishes, with_account
from tests.support.broker import wait_until

A = Topics("classroom", "school", "a")
DEVICE = Device("school", "a")


@pytest.fixture(scope="module")
def out(school: SchoolUnderTest) -> Path:
    """The page's files."""
    folder = school.home / "page"
    school.device("a")
    page(["page.school.lan", "10.0.0.7"], out=folder, broker_port=school.broker.programs, folder=school.folder)
    return folder


@pytest.fixture(scope="module")
def settings(out: Path) -> DashboardSettings:
    """As the page reads them."""
    return load_dashboard_settings(out / "dashboard.toml")


def reader(settings: DashboardSettings) -> Broker:
    return Broker.from_settings(settings.broker.as_mqtt())


def commander(settings: DashboardSettings) -> Broker:
    return Broker.from_settings(Operator(settings)._account())


def test_the_settings_that_were_written_are_good(settings: DashboardSettings, out: Path) -> None:
    check_dashboard_settings(settings)
    assert settings.page.tls_cert == str(out / "page.crt")
    assert settings.operator_broker.username == "page-operator"


def test_secrets_are_for_their_owner_alone(out: Path) -> None:
    for name in ("page.key", "broker.password", "operator.password", "dashboard.toml"):
        assert stat.S_IMODE((out / name).stat().st_mode) & 0o007 == 0


def test_the_certificate_names_the_page_and_is_for_servers(out: Path, school: SchoolUnderTest) -> None:
    certificate = read_certificate((out / "page.crt").read_bytes(), "page.crt")
    text = str(certificate.extensions)
    assert "page.school.lan" in text
    assert "10.0.0.7" in text
    assert "serverAuth" in text
    certificate.verify_directly_issued_by(school.fleet().authority.certificate)


def test_the_reading_account_sees_everything_and_writes_nothing(
    settings: DashboardSettings, school: SchoolUnderTest
) -> None:
    school.device("b")
    with connected(reader(settings)) as looking, connected(school.device("a").broker()) as speaker:
        assert gets(looking, "classroom/v1/#", speaker, A.of("summary"))
        assert not [name for name in NAMES if publishes(looking, A.of(name))]
        for topic in ("homeassistant/status", "classroom/fleet/models", "classroom/fleet/applied/1", "anything"):
            assert not publishes(looking, topic)


def test_the_reading_account_asks_on_its_own_request_topic_alone(settings: DashboardSettings) -> None:
    with connected(reader(settings)) as looking:
        assert publishes(looking, asker_command_topic("classroom", "page/archive", "school", "a"))
        for asker in ("dashboard/x", "operator/x", "page-operator/x", "-/x"):
            assert not publishes(looking, asker_command_topic("classroom", asker, "school", "a")), asker
        for name in ("summary", "expression", "desired"):
            assert not publishes(looking, f"classroom/resent/v1/page/x/school/a/{name}"), name


@pytest.mark.parametrize("account", ["dashboard", "homeassistant"])
def test_no_other_account_asks_in_the_pages_name(school: SchoolUnderTest, out: Path, account: str) -> None:
    assert out.exists()
    with connected(with_account(school, account)) as other:
        assert not publishes(other, asker_command_topic("classroom", "page/archive", "school", "a"))


def test_a_device_asks_no_other_device(school: SchoolUnderTest, out: Path) -> None:
    assert out.exists()
    entry = school.entry("a")
    with connected(school.device("a").broker()) as device:
        assert not publishes(device, asker_command_topic("classroom", f"{entry.identity}/x", "school", "b"))
        assert not publishes(device, asker_command_topic("classroom", "page/x", "school", "b"))


def test_the_operators_account_writes_desired_and_command_and_reads_no_figures(
    settings: DashboardSettings, school: SchoolUnderTest
) -> None:
    with connected(commander(settings)) as acting, connected(school.device("a").broker()) as speaker:
        assert {name for name in NAMES if publishes(acting, A.of(name))} == {"desired", "command", "status", "health"}
        assert publishes(acting, A.of("status"), b"", retain=True), "what a device has left that is gone"
        assert not publishes(acting, "classroom/fleet/models")
        acting.subscribe([A.of("summary"), A.of("expression"), A.of("health")])
        assert publishes(speaker, A.of("summary"), b"secret")
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            assert not [event for event in acting.poll(0.1) if isinstance(event, Received)]


def test_missed_events_come_to_the_account_that_only_reads(
    settings: DashboardSettings, school: SchoolUnderTest
) -> None:
    """The device takes who asks from the topic, and gives nothing else there."""
    device = replace_outbox(school)
    messenger = Messenger(device, ModelIdentity(("happy",), "0" * 12))
    messenger.start()
    quick = Patience(grace_s=0.1, retry_s=1.0)
    try:
        for number in range(1, 4):
            messenger.summary(WindowSummary(0.0, 5.0, faces=20, shares={"happy": 1.0}, suppressed=False))
            wait_until(lambda: messenger.statistics().outbox.delivered["summary"] == number, what="sent")  # noqa: B023
        with Classroom(reader(settings), site="school", device="a", catch_up=True, patience=quick) as client:
            seen: set[int] = set()
            notices = []
            client.poll(5.0)
            messenger.summary(WindowSummary(0.0, 5.0, faces=20, shares={"happy": 1.0}, suppressed=False))
            until = time.monotonic() + 60
            while not seen >= {1, 2, 3} and time.monotonic() < until:
                new = client.poll(1.0)
                notices += new
                seen |= {n.message.seq for n in new if isinstance(n, Arrived) and isinstance(n.message, Summary)}
        assert seen >= {1, 2, 3}, notices
        assert not [notice for notice in notices if isinstance(notice, Denied)]
        with connected(reader(settings)) as looking:
            looking.subscribe([A.of("reply")])
            ask = asker_command_topic("classroom", "page/x", "school", "a")
            assert publishes(looking, ask, encode(Command(id="s1", command="snapshot")))
            answers: list[Reply] = []

            def answered() -> bool:
                answers.extend(decode(e.payload, Reply) for e in looking.poll(0.1) if isinstance(e, Received))
                return any(reply.id == "s1" for reply in answers)

            wait_until(answered, what="the refusal")
            [refusal] = [reply for reply in answers if reply.id == "s1"]
            assert not refusal.ok
            assert "only resend" in refusal.error
    finally:
        messenger.stop()


def replace_outbox(school: SchoolUnderTest) -> Settings:
    """The device's settings, with events in memory."""
    settings = school.device("a").settings
    return replace_struct(settings, outbox=replace_struct(settings.outbox, path=""))


def test_muting_keeps_what_else_is_asked_for(settings: DashboardSettings, school: SchoolUnderTest) -> None:
    with connected(with_account(school, "operator")) as other:
        pinned = Desired(model="c158944fbd7b")
        assert publishes(other, A.of("desired"), encode(pinned), retain=True)
    operator = Operator(settings)
    for muted in (True, False):
        operator.mute(DEVICE, muted)
        with connected(school.device("a").broker()) as device:
            device.subscribe([A.of("desired")])
            found: list[Desired] = []

            def told() -> bool:
                found.extend(decode(e.payload, Desired) for e in device.poll(0.1) if isinstance(e, Received))  # noqa: B023
                return bool(found)  # noqa: B023

            wait_until(told, what="the request that the broker keeps")
        assert (found[0].muted, found[0].model) == (muted, "c158944fbd7b")
        assert found[0].issued_at


def test_of_status_and_health_the_page_only_ever_deletes(settings: DashboardSettings, school: SchoolUnderTest) -> None:
    with connected(with_account(school, "operator")) as looking, connected(school.device("a").broker()) as device:
        for name in ("status", "health"):
            assert publishes(device, A.of(name), b"kept", retain=True)
        looking.subscribe([A.of("status"), A.of("health")])
        seen: list[tuple[str, bytes]] = []

        def heard(count: int) -> bool:
            seen.extend((e.topic, e.payload) for e in looking.poll(0.1) if isinstance(e, Received))
            return len(seen) >= count

        wait_until(lambda: heard(2), what="what the broker keeps")
        operator = Operator(settings)
        operator.mute(DEVICE, True)
        operator.mute(DEVICE, False)
        operator.snapshot(DEVICE)
        operator.remove(DEVICE)
        wait_until(lambda: heard(4), what="both deletions")
    assert sorted(seen[2:]) == [(A.of("health"), b""), (A.of("status"), b"")]


def test_a_snapshot_comes_back_with_its_own_answer(settings: DashboardSettings, school: SchoolUnderTest) -> None:
    device = replace_outbox(school)
    messenger = Messenger(
        device, ModelIdentity(("happy",), "0" * 12), handlers=IncomingHandlers({"snapshot": lambda _: {"tracks": []}})
    )
    messenger.start()
    try:
        wait_until(lambda: messenger.statistics().publisher.connected, what="the device")
        reply = Operator(settings).snapshot(DEVICE)
    finally:
        messenger.stop()
    assert reply is not None
    assert reply.ok


def test_an_account_that_may_not_is_told_so(
    settings: DashboardSettings, school: SchoolUnderTest, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    wrong = OperatorSettings(username="dashboard", password_file=str(tmp_path / "password"))
    operator = Operator(replace_struct(settings, operator_broker=wrong))
    with pytest.raises(BrokerError, match=r"may not use .*desired.*fleet apply"):
        operator.mute(DEVICE, True)
    assert school.broker.programs


def test_a_second_run_renews_and_keeps_settings_and_other_accounts(school: SchoolUnderTest, out: Path) -> None:
    (out / "dashboard.toml").write_text((out / "dashboard.toml").read_text() + "# mine\n")
    before = (out / "broker.password").read_text()
    page(["page.school.lan"], out=out, broker_port=school.broker.programs, folder=school.folder)
    assert (out / "dashboard.toml").read_text().endswith("# mine\n")
    assert (out / "broker.password").read_text() != before
    with connected(with_account(school, "dashboard")):
        pass
    settings = load_dashboard_settings(out / "dashboard.toml")
    wait_until(lambda: _connects(reader(settings)), what="the new password at the broker")
    assert not _connects(replace(reader(settings), password=before.strip()))


def test_the_example_of_the_installer_is_replaced_and_kept(school: SchoolUnderTest, tmp_path: Path) -> None:
    example = (DEPLOY / "dashboard" / "dashboard.example.toml").read_text()
    (tmp_path / "dashboard.toml").write_text(example)
    page(["page.school.lan"], out=tmp_path, broker_port=school.broker.programs, folder=school.folder)
    assert load_dashboard_settings(tmp_path / "dashboard.toml").broker.username == "page"
    assert (tmp_path / "dashboard.toml.old").read_text() == example


def test_settings_that_cannot_be_read_are_named_and_nothing_is_renewed(school: SchoolUnderTest, tmp_path: Path) -> None:
    (tmp_path / "dashboard.toml").write_text("[broker\n")
    with pytest.raises(ConfigError, match=r"dashboard\.toml"):
        page(["page.school.lan"], out=tmp_path, broker_port=school.broker.programs, folder=school.folder)
    assert [path.name for path in tmp_path.iterdir()] == ["dashboard.toml"]


def _connects(broker: Broker) -> bool:
    try:
        with connected(broker):
            return True
    except BrokerError:
        return False


@pytest.mark.parametrize("host", ["", "a b", "page/x", "é"])
def test_names_that_cannot_be_in_a_certificate_are_refused(school: SchoolUnderTest, tmp_path: Path, host: str) -> None:
    with pytest.raises(InputError, match="--host"):
        page([host], out=tmp_path / "page", broker_port=8884, folder=school.folder)
    assert not (tmp_path / "page").exists()
