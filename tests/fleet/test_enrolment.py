"""Keys, requests, answers and the register, without a broker."""

from __future__ import annotations

import os
import re
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from edge_agent.cli.enrol import enrol
from edge_agent.config import TlsSettings
from edge_agent.config_file import load_settings
from edge_agent.enrol.certificates import make_signing_request, new_key, read_certificate
from edge_agent.enrol.device import accept_response, examine_certificates, make_device_request
from edge_agent.enrol.requests import Request, Response, decode_file, encode_file
from edge_agent.errors import CheckFailed, InputError
from fleet.access import access_rules
from fleet.authority import BACKDATED
from fleet.cli import add, init, renew
from fleet.page_files import write_page_files
from fleet.register import School, new_identity, read_register
from fleet.school import DUE_WITHIN, VALIDITY, Fleet
from tests.fleet.conftest import SchoolUnderTest

EXAMPLE = Path(__file__).parents[2] / "deploy" / "agent.example.toml"
NOW = datetime(2026, 11, 22, 9, tzinfo=timezone.utc)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A fleet whose broker's folder is at hand."""
    school = School(
        name="North",
        root="classroom",
        hosts=("broker.school.lan", "10.0.0.5"),
        port=8883,
        broker_folder=str(tmp_path / "broker"),
        reload=(),
        reader=new_identity("fleet"),
    )
    return Fleet.create(tmp_path / "fleet", school, NOW)


def device_config(folder: Path, device: str = "a") -> Path:
    """A device's configuration in a folder of its own."""
    folder.mkdir(exist_ok=True)
    config = folder / "agent.toml"
    config.write_text(EXAMPLE.read_text().replace('"edge-1"', f'"{device}"'))
    return config


def request_of(device: str = "a", **changes: object) -> Request:
    """A request with a key of its own."""
    return replace(
        Request(root="classroom", site="school", device=device, csr=make_signing_request(new_key(), device[:64])),
        **changes,
    )


@pytest.mark.usefixtures("fleet")
def test_private_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    config = device_config(tmp_path / "device")
    make_device_request(load_settings(config), tmp_path / "device" / "tls")
    keys = [*tmp_path.glob("fleet/*.key"), *tmp_path.glob("device/tls/*.key")]
    assert len(keys) == 4
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert stat.S_IMODE((tmp_path / "fleet").stat().st_mode) == 0o700
    assert not (tmp_path / "broker" / "server.key").stat().st_mode & 0o007


def test_neither_paper_holds_a_private_key(fleet: Fleet, tmp_path: Path) -> None:
    request = make_device_request(load_settings(device_config(tmp_path / "device")), tmp_path / "device" / "tls")
    _, answer = fleet.add(request, "request", NOW)
    assert b"PRIVATE" not in encode_file(request) + encode_file(answer)


def test_a_second_request_is_for_the_same_key(fleet: Fleet, tmp_path: Path) -> None:
    settings = load_settings(device_config(tmp_path / "device"))
    first = make_device_request(settings, tmp_path / "device" / "tls")
    grown, _ = fleet.add(first, "request", NOW)
    again, _ = grown.add(make_device_request(settings, tmp_path / "device" / "tls"), "request", NOW)
    assert len(again.register.devices) == 1
    assert len(again.register.devices[0].issued) == 2


def test_an_answer_is_put_in_place_and_the_configuration_uses_it(fleet: Fleet, tmp_path: Path) -> None:
    config, keys = device_config(tmp_path / "device"), tmp_path / "device" / "tls"
    before = config.read_text()
    _, answer = fleet.add(make_device_request(load_settings(config), keys), "request", NOW)
    accept_response(answer, "answer", config, keys)
    mqtt = load_settings(config).mqtt
    assert (mqtt.host, mqtt.port, mqtt.tls.enabled) == ("broker.school.lan", 8883, True)
    assert [Path(path).is_file() for path in (mqtt.tls.ca, mqtt.tls.cert, mqtt.tls.key)] == [True] * 3
    assert "# different on each" in before
    assert "# different on each" in config.read_text()


def test_keys_are_not_put_behind_a_link(tmp_path: Path) -> None:
    config, elsewhere = device_config(tmp_path / "device"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "device" / "tls").symlink_to(elsewhere)
    with pytest.raises(InputError, match="a link"):
        make_device_request(load_settings(config), tmp_path / "device" / "tls")
    assert not list(elsewhere.iterdir())


def test_both_sides_show_the_same_fingerprints(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, keys, request = device_config(tmp_path / "device"), tmp_path / "device" / "tls", tmp_path / "a.request"

    def shown() -> list[str]:
        return re.findall(r"(?:[0-9a-f]{2}:){15}[0-9a-f]{2}", capsys.readouterr().out)

    enrol(request=str(request), config=config, keys=keys)
    asked = shown()
    add(request, folder=fleet.folder)
    added = shown()
    enrol(str(request.with_suffix(".answer")), config=config, keys=keys)
    assert added == [*asked, *shown()]
    assert len(set(added)) == 2


def test_an_answer_for_another_key_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    config, keys = device_config(tmp_path / "device"), tmp_path / "device" / "tls"
    make_device_request(load_settings(config), keys)
    _, answer = fleet.add(request_of("a"), "request", NOW)
    with pytest.raises(InputError, match="this device's key"):
        accept_response(answer, "answer", config, keys)


def test_an_answer_for_another_device_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    config = device_config(tmp_path / "device")
    _, answer = fleet.add(request_of("b"), "request", NOW)
    with pytest.raises(InputError, match="school/b, expected school/a"):
        accept_response(answer, "answer", config, tmp_path / "device" / "tls")


def test_a_device_cannot_ask_for_the_name_of_an_enrolled_one(fleet: Fleet) -> None:
    grown, _ = fleet.add(request_of("a"), "request", NOW)
    with pytest.raises(InputError, match="enrolled with another key"):
        grown.add(request_of("a"), "request", NOW)


@pytest.mark.parametrize(
    "changes",
    [{"root": "other"}, {"csr": "none"}, {"csr": make_signing_request(new_key(), "a")[:-60] + "AAAA\n-----END-----"}],
    ids=["other topics", "no csr", "cut csr"],
)
def test_broken_requests_are_refused(fleet: Fleet, changes: dict[str, object]) -> None:
    with pytest.raises(InputError):
        fleet.add(request_of("a", **changes), "request", NOW)


def test_one_key_is_enrolled_for_one_device(fleet: Fleet) -> None:
    csr = make_signing_request(new_key(), "a")
    grown, _ = fleet.add(request_of("a", csr=csr), "request", NOW)
    with pytest.raises(InputError, match="school/b has the same private key as school/a"):
        grown.add(request_of("b", csr=csr), "request", NOW)


def test_a_paper_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(InputError, match="too large for a request"):
        add(Path("/dev/zero"))


def test_papers_of_brackets_without_end_are_refused() -> None:
    endless = b'{"v":1,"more":' + b"[" * 50_000
    with pytest.raises(InputError, match=r"recursion|Stack overflow|truncated"):
        decode_file(endless, Request, "paper")
    with pytest.raises(InputError, match=r"recursion|Stack overflow|truncated"):
        decode_file(endless, Response, "paper")


@pytest.mark.parametrize("device", ["a/#", "+", "a\nuser dashboard", "a\n", "", "a b"])
def test_names_that_would_be_rules_are_refused(device: str) -> None:
    with pytest.raises(InputError):
        decode_file(msgspec.json.encode(replace(request_of(), device=device)), Request, "request")


def test_an_answer_is_not_taken_for_a_request(fleet: Fleet) -> None:
    _, answer = fleet.add(request_of(), "request", NOW)
    with pytest.raises(InputError, match="expected a request"):
        decode_file(encode_file(answer), Request, "file")


def test_certificates_count_from_long_ago(fleet: Fleet) -> None:
    _, answer = fleet.add(request_of(), "request", NOW)
    for pem in (answer.certificate, answer.authority):
        assert read_certificate(pem.encode(), "it").not_valid_before_utc == NOW - BACKDATED


def enrolled(fleet: Fleet, tmp_path: Path) -> TlsSettings:
    """The TLS settings of an enrolled device."""
    config, keys = device_config(tmp_path / "device"), tmp_path / "device" / "tls"
    _, answer = fleet.add(make_device_request(load_settings(config), keys), "request", NOW)
    accept_response(answer, "answer", config, keys)
    return load_settings(config).mqtt.tls


def test_a_clock_that_is_behind_is_named(fleet: Fleet, tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="clock is behind: it says 2020-01-01"):
        examine_certificates(enrolled(fleet, tmp_path), datetime(2020, 1, 1, tzinfo=timezone.utc))


def test_a_certificate_that_ended_is_named(fleet: Fleet, tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="ended on 2028-11-21"):
        examine_certificates(enrolled(fleet, tmp_path), NOW + VALIDITY + timedelta(days=1))


def test_a_certificate_that_ends_soon_is_reported(fleet: Fleet, tmp_path: Path) -> None:
    tls = enrolled(fleet, tmp_path)
    assert "ends in" not in examine_certificates(tls, NOW)
    assert "ends in 9 days" in examine_certificates(
        tls, NOW + VALIDITY - timedelta(days=9, hours=12) + timedelta(hours=12)
    )


def test_certificates_are_due_in_time(fleet: Fleet) -> None:
    grown, _ = fleet.add(request_of(), "request", NOW)
    assert not grown.due(NOW + VALIDITY - DUE_WITHIN - timedelta(days=1))
    assert grown.due(NOW + VALIDITY - DUE_WITHIN + timedelta(days=1))


def test_renewing_keeps_key_and_identity(fleet: Fleet) -> None:
    grown, before = fleet.add(request_of(), "request", NOW)
    later = NOW + timedelta(days=700)
    renewed, after = grown.renew(grown.register.find("a"), later)
    old, new = (read_certificate(answer.certificate.encode(), "it") for answer in (before, after))
    assert (old.public_key(), old.subject) == (new.public_key(), new.subject)
    assert new.not_valid_after_utc == later + VALIDITY
    assert access_rules(renewed.register).count("user school:a:") == 1


def test_the_renew_command_writes_an_answer_the_device_takes(fleet: Fleet, tmp_path: Path) -> None:
    enrolled(fleet, tmp_path)
    renew(["a"], out=tmp_path, folder=tmp_path / "fleet")
    device = tmp_path / "device"
    enrol(str(tmp_path / "school-a.answer"), config=device / "agent.toml", keys=device / "tls")
    register = read_register(tmp_path / "fleet")
    assert (device / "tls" / "device.crt").read_text() == register.find("a").certificate


@pytest.mark.parametrize("place", ["not-there", "file"])
def test_a_renewal_whose_answer_has_no_place_is_refused_before_anything_is_issued(
    fleet: Fleet, tmp_path: Path, place: str
) -> None:
    fleet.add(request_of(), "request", NOW - VALIDITY)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="no such folder"):
        renew([], out=tmp_path / place, folder=fleet.folder)
    assert [device.name for device in Fleet.open(fleet.folder).due(NOW)] == ["school/a"]
    renew([], out=tmp_path, folder=fleet.folder)
    assert (tmp_path / "school-a.answer").is_file()


def test_an_enrolment_whose_answer_has_no_place_is_refused_before_anything_is_issued(
    fleet: Fleet, tmp_path: Path
) -> None:
    request = tmp_path / "a.request"
    request.write_bytes(encode_file(request_of()))
    for out, said in ((tmp_path / "not-there" / "a.answer", "no such folder"), (tmp_path, "got a folder")):
        with pytest.raises(InputError, match=said):
            add(request, out=out, folder=fleet.folder)
    assert Fleet.open(fleet.folder).register.devices == ()


def test_a_renewal_that_the_device_does_not_get_says_that_its_name_is_needed_next_time(fleet: Fleet) -> None:
    fleet.add(request_of(), "request", NOW - VALIDITY)
    with pytest.raises(InputError, match=r"^school/a may not have .* run this again: edge-agent fleet renew school/a"):
        renew([], ssh="pi@nowhere", ssh_command="false", folder=fleet.folder)


def test_a_renewal_that_is_interrupted_says_that_its_name_is_needed_next_time(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    fleet.add(request_of(), "request", NOW - VALIDITY)
    monkeypatch.setattr("edge_agent.files.write_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        renew([], out=tmp_path, folder=fleet.folder)
    assert "edge-agent fleet renew school/a" in capsys.readouterr().err


def test_a_change_that_the_brokers_files_do_not_have_is_named_and_made_by_the_next_run(
    fleet: Fleet, tmp_path: Path
) -> None:
    fleet.add(request_of(), "request", NOW - VALIDITY)
    (tmp_path / "broker").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"the register is changed, but not the broker's files.*fleet renew school/a"):
        renew([], out=tmp_path, folder=fleet.folder)
    present = Fleet.open(fleet.folder)
    with pytest.raises(InputError, match=r"the register is changed, but not the broker's files.*run this again"):
        present.revoke(present.register.find("a"), NOW)
    (tmp_path / "elsewhere").rename(tmp_path / "broker")
    present = Fleet.open(fleet.folder)
    present.revoke(present.register.find_even_revoked("a"), NOW)
    assert "school:a:" not in (tmp_path / "broker" / "acl").read_text()


def test_the_page_keeps_its_passwords_where_the_broker_cannot_get_new_ones(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "broker").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="no such folder"):
        write_page_files(fleet, tmp_path / "page", ["page.school.lan"], 8884, NOW)
    assert not list((tmp_path / "page").iterdir())


def test_revoking_takes_the_rules_and_lists_every_certificate(fleet: Fleet) -> None:
    grown, _ = fleet.add(request_of(), "request", NOW)
    grown, _ = grown.renew(grown.register.find("a"), NOW)
    revoked = grown.revoke(grown.register.find("a"), NOW)
    assert "school:a:" not in access_rules(revoked.register)
    assert len(revoked.register.revoked()) == 2


def test_of_a_name_given_again_the_enrolment_that_stands_is_revoked_first(fleet: Fleet) -> None:
    grown, _ = fleet.add(request_of(), "request", NOW)
    first = grown.register.find("a")
    grown, _ = grown.revoke(first, NOW).add(request_of(), "request", NOW)
    second = grown.register.find_even_revoked("a")
    assert second.identity != first.identity
    later = NOW + timedelta(days=1)
    gone = grown.revoke(second, later).register.find_even_revoked("a")
    assert (gone.identity, gone.revoked_at) == (second.identity, later)


def test_a_device_whose_key_is_broken_is_told_what_to_do(tmp_path: Path) -> None:
    settings = load_settings(device_config(tmp_path / "device"))
    make_device_request(settings, tmp_path / "tls")
    (tmp_path / "tls" / "device.key").write_text("garbage")
    with pytest.raises(InputError, match=r"device\.key: expected an unencrypted.*Remove it"):
        make_device_request(settings, tmp_path / "tls")


def test_a_fleet_is_not_founded_over_another(fleet: Fleet) -> None:
    with pytest.raises(InputError, match="here already"):
        Fleet.create(fleet.folder, fleet.register.school, NOW)


def test_devices_that_would_share_a_home_assistant_topic_are_refused(fleet: Fleet) -> None:
    grown, _ = fleet.add(request_of("pi.3a"), "request", NOW)
    with pytest.raises(InputError, match="dots and underscores"):
        grown.add(request_of("pi_3a"), "request", NOW)


def test_long_names_fit_a_certificate(fleet: Fleet) -> None:
    request = request_of("d" * 64, site="s" * 64)
    grown, answer = fleet.add(request, "request", NOW)
    assert isinstance(answer, Response)
    assert len(grown.register.devices[0].identity) == 64


def test_rules_of_the_schools_own_are_kept(fleet: Fleet) -> None:
    (fleet.folder / "acl.local").write_text("user bridge\ntopic read classroom/v1/#\n")
    grown, _ = fleet.add(request_of(), "request", NOW)
    rules = (Path(grown.register.school.broker_folder) / "acl").read_text()
    assert "\nuser bridge\ntopic read classroom/v1/#\n" in rules


def test_a_rule_of_the_schools_own_without_a_user_is_given_to_no_account(fleet: Fleet) -> None:
    (fleet.folder / "acl.local").write_text("topic readwrite #")
    grown, _ = fleet.add(request_of(), "request", NOW)
    rules = (Path(grown.register.school.broker_folder) / "acl").read_text()
    assert "user" not in rules[: rules.index("topic readwrite #")]


@pytest.mark.parametrize("content", [b"\xff\xfe", None], ids=["no text", "a folder"])
def test_rules_that_cannot_be_read_are_named(fleet: Fleet, content: bytes | None) -> None:
    place = fleet.folder / "acl.local"
    place.mkdir() if content is None else place.write_bytes(content)
    with pytest.raises(InputError, match=r"acl\.local"):
        fleet.add(request_of(), "request", NOW)


@pytest.mark.parametrize(
    ("host", "changes", "named"),
    [
        ("", {}, "--host"),
        ("br\u00f6ker.lan", {}, "--host"),
        ("10.0.0.5:8883", {}, "--host"),
        ("-x", {}, "--host"),
        ("broker.lan", {"root": "class/#"}, "--root"),
        ("broker.lan", {"reload": 'kill "-HUP'}, "--reload"),
        ("broker.lan", {"name": ""}, "the school's name"),
        ("broker.lan", {"name": "North\nSouth"}, "the school's name"),
    ],
)
def test_what_no_school_can_be_founded_with_is_refused_before_anything_is_written(
    tmp_path: Path, host: str, changes: dict[str, str], named: str
) -> None:
    given = {"name": "North", "reload": "true", **changes}
    with pytest.raises(InputError, match=named):
        init(host=[host], folder=tmp_path / "new", broker_folder=tmp_path / "new-broker", **given)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_founding_that_fails_leaves_nothing_in_the_way_of_the_next_attempt(tmp_path: Path) -> None:
    (tmp_path / "broker").write_bytes(b"")
    with pytest.raises(InputError, match="broker"):
        init(name="North", host=["broker.lan"], folder=tmp_path / "new", broker_folder=tmp_path / "broker")
    init(name="North", host=["broker.lan"], folder=tmp_path / "new", broker_folder=tmp_path / "broker-2")
    assert Fleet.open(tmp_path / "new").register.school.name == "North"


def test_an_authority_without_its_register_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "ca.key").write_bytes(b"somebody's")
    with pytest.raises(InputError, match="no register"):
        init(name="North", host=["broker.lan"], folder=tmp_path, broker_folder=tmp_path / "broker")
    assert (tmp_path / "ca.key").read_bytes() == b"somebody's"


def test_the_broker_can_enter_its_folder_whatever_the_callers_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        init(name="North", host=["broker.lan"], folder=tmp_path / "new", broker_folder=tmp_path / "broker")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "broker").stat().st_mode) == 0o755


def test_a_device_named_twice_is_renewed_once(fleet: Fleet, tmp_path: Path) -> None:
    fleet.add(request_of(), "request", NOW)
    renew(["a", "school/a"], out=tmp_path, folder=fleet.folder)
    assert len(Fleet.open(fleet.folder).register.find("a").issued) == 2


def test_an_answer_with_a_port_that_is_none_is_refused(fleet: Fleet) -> None:
    _, answer = fleet.add(request_of(), "request", NOW)
    with pytest.raises(InputError, match="port"):
        decode_file(encode_file(replace(answer, port=99_999)), Response, "answer")


def test_keys_go_beside_settings_that_lie_elsewhere_and_the_command_says_so(
    school: SchoolUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    device = school.new_device("elsewhere")
    enrol(request=str(device.config.with_name("r.request")), config=device.config)
    assert (device.config.parent / "tls" / "device.key").is_file()
    assert f"The private key is in {device.config.parent / 'tls'} and stays there" in capsys.readouterr().out
