"""A school publishes models: keys, versions, canaries, and what the broker holds and lets whom do."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from edge_agent.config_file import load_settings
from edge_agent.enrol.device import accept_response, make_device_request
from edge_agent.errors import BrokerError, CheckFailed, InputError, ModelError, Rejected
from edge_agent.model_format.bundle import pack_bundle, read_bundle
from edge_agent.protocol.model_manifest import MAX_BUNDLE_BYTES, Models, decode_manifest, decode_models, models_topic
from edge_agent.update.manifests import Verifier
from edge_agent.vision.classifier import BUNDLED_MODELS
from fleet.broker_connection import read_retained
from fleet.cli import apply
from fleet.model_cli import models, promote_model, publish_model, rollback_model, withdraw_model
from fleet.models import ModelPublisher, choose_canaries
from fleet.register import utc_now
from tests.fleet.conftest import SchoolUnderTest, running_school
from tests.fleet.devices import bundle_file
from tests.fleet.test_access import connected, gets, hears, publishes, with_account
from tests.support.golden_models import dense_bundle, with_wrong_answers
from tests.support.tflite_models import dense_model, metadata

TOPIC = models_topic("classroom")


def kept(school: SchoolUnderTest, topic: str) -> dict[str, bytes]:
    """What the broker holds under a filter."""
    with connected(with_account(school, "operator"), "looks") as connection:
        return {message.topic: message.payload for message in read_retained(connection, [topic])}


def offered(school: SchoolUnderTest) -> Models:
    return decode_models(kept(school, TOPIC)[TOPIC])


def versions(school: SchoolUnderTest) -> list[tuple[int, tuple[str, ...]]]:
    publications = [decode_manifest(one.body) for one in offered(school).manifests]
    return [(one.version, one.devices) for one in publications]


def test_the_whole_bundle_and_a_signature_a_device_accepts_are_at_the_broker(
    school: SchoolUnderTest, tmp_path: Path
) -> None:
    device, content = school.device("a"), dense_bundle(seed=1)
    publish_model(bundle_file(tmp_path, content), folder=school.folder)
    publication = Verifier(Path(device.settings.update.key)).read(offered(school).manifests[0])
    assert not isinstance(publication, Rejected)
    parts = kept(school, f"classroom/fleet/model/{publication.sha256}/+")
    assert b"".join(parts[topic] for topic in sorted(parts)) == content
    assert len(parts) == publication.parts == 2


def test_versions_rise_and_a_new_one_for_all_takes_the_place_of_the_old(
    school: SchoolUnderTest, tmp_path: Path
) -> None:
    school.device("a")
    publish_model(bundle_file(tmp_path, dense_bundle(seed=1)), folder=school.folder)
    publish_model(bundle_file(tmp_path, dense_bundle(seed=2)), folder=school.folder)
    (only,) = offered(school).manifests
    second = decode_manifest(only.body)
    held = {topic.split("/")[3] for topic, content in kept(school, "classroom/fleet/model/+/+").items() if content}
    assert held == {second.sha256}
    with pytest.raises(InputError, match="devices never go back"):
        publish_model(bundle_file(tmp_path, dense_bundle(seed=1)), version=second.version, folder=school.folder)


def test_no_version_is_given_that_none_could_follow(school: SchoolUnderTest, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "edge_agent.cli",
        "fleet",
        "publish-model",
        str(tmp_path),
        "--folder",
        str(school.folder),
        "--version",
        str(2**53 - 1),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "2147483647" in done.stderr


def test_a_canary_share_goes_first_and_one_command_promotes_it(
    school: SchoolUnderTest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        school.device(name)
    publish_model(bundle_file(tmp_path, dense_bundle(seed=1)), folder=school.folder)
    publish_model(bundle_file(tmp_path, dense_bundle(seed=2)), canary="10%", folder=school.folder)
    (all_version, nobody), (canary_version, chosen) = versions(school)
    assert (nobody, len(chosen)) == ((), 1)
    assert canary_version == all_version + 1
    promote_model(folder=school.folder)
    assert versions(school) == [(canary_version, ())]
    capsys.readouterr()
    models(folder=school.folder, json=True)
    assert [row["version"] for row in json.loads(capsys.readouterr().out)] == [canary_version]


def test_some_devices_alone_and_a_withdrawal(school: SchoolUnderTest, tmp_path: Path) -> None:
    for name in ("a", "b"):
        school.device(name)
    publish_model(bundle_file(tmp_path, dense_bundle(seed=1)), folder=school.folder)
    publish_model(bundle_file(tmp_path, dense_bundle(seed=2)), device=["b", "school/b"], folder=school.folder)
    first, (latest, chosen) = versions(school)
    assert chosen == ("school/b",)
    withdraw_model(latest, folder=school.folder)
    assert versions(school) == [first]
    with pytest.raises(InputError, match="no model is published for some devices only"):
        promote_model(folder=school.folder)


def test_a_broker_that_has_forgotten_gets_the_models_again(school: SchoolUnderTest, tmp_path: Path) -> None:
    school.device("a")
    publish_model(bundle_file(tmp_path, dense_bundle(seed=1)), folder=school.folder)
    before = versions(school)
    with connected(with_account(school, "operator")) as operator:
        for topic in kept(school, "classroom/fleet/#"):
            publishes(operator, topic, b"", retain=True)
    assert not kept(school, "classroom/fleet/#")
    apply(folder=school.folder)
    assert versions(school) == before
    assert len(kept(school, "classroom/fleet/model/+/+")) == 2


def test_a_restored_backup_does_not_give_a_number_again(school: SchoolUnderTest, tmp_path: Path) -> None:
    school.device("a")
    publish_model(bundle_file(tmp_path, dense_bundle(seed=1)), folder=school.folder)
    backup = (school.folder / "models.json").read_bytes()
    publish_model(bundle_file(tmp_path, dense_bundle(seed=2)), folder=school.folder)
    latest, _ = versions(school)[-1]
    (school.folder / "models.json").write_bytes(backup)
    publish_model(bundle_file(tmp_path, dense_bundle(seed=5)), folder=school.folder)
    assert versions(school)[-1][0] == latest + 1


def test_a_school_from_before_there_were_models_gets_key_and_rules_on_first_use(
    school: SchoolUnderTest, tmp_path: Path
) -> None:
    school.device("a")
    for name in ("model.key", "models.json"):
        (school.folder / name).unlink(missing_ok=True)
    rules = school.broker.files / "acl"
    rules.write_text("".join(line for line in rules.read_text().splitlines(True) if "/fleet/model" not in line))
    publish_model(bundle_file(tmp_path, dense_bundle(seed=1)), folder=school.folder)
    assert stat.S_IMODE((school.folder / "model.key").stat().st_mode) == 0o600
    assert "classroom/fleet/models" in rules.read_text()


@pytest.mark.parametrize("topic", [TOPIC, f"classroom/fleet/model/{'a' * 64}/0"])
def test_only_operators_write_models_and_devices_read_them(school: SchoolUnderTest, topic: str) -> None:
    device = school.device("a")
    operator, dashboard = with_account(school, "operator"), with_account(school, "dashboard")
    with connected(device.broker()) as reader, connected(operator, "w") as writer, connected(dashboard, "l") as looker:
        assert not publishes(reader, topic, b"{}", retain=True)
        assert not publishes(looker, topic, b"{}", retain=True)
        assert not hears(looker, topic, writer, topic)
        assert gets(reader, topic, writer, topic)
        assert publishes(writer, topic, b"", retain=True)


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"no model", ModelError, "not a TFLite model"),
        (dense_bundle()[:-50], ModelError, "cut short"),
        (None, CheckFailed, "no golden faces"),
        (with_wrong_answers(dense_bundle()), CheckFailed, "steps from the recorded one"),
    ],
    ids=["no model", "cut short", "no golden faces", "wrong answers"],
)
def test_what_no_device_would_take_is_not_published(
    school: SchoolUnderTest, tmp_path: Path, content: bytes | None, error: type[Exception], said: str
) -> None:
    file = bundle_file(tmp_path, pack_bundle(dense_model(), metadata()) if content is None else content)
    with pytest.raises(error, match=said):
        publish_model(file, folder=school.folder)


@pytest.mark.parametrize("changes", [{"max_slowdown": float("nan")}, {"version": 2**60}], ids=["slowdown", "version"])
def test_what_no_device_could_read_is_not_signed(
    school: SchoolUnderTest, tmp_path: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="not the publication of a model"):
        publish_model(bundle_file(tmp_path, dense_bundle()), folder=school.folder, **changes)
    models(folder=school.folder)


@pytest.mark.parametrize("share", ["0%", "101%", "0", "some", "-5%", "-5", "10 %%", "0.1", "0,25", "nan", "1e1"])
def test_a_share_that_is_none_is_refused(school: SchoolUnderTest, tmp_path: Path, share: str) -> None:
    with pytest.raises(InputError, match="a share of the devices such as 10%"):
        publish_model(bundle_file(tmp_path, dense_bundle()), canary=share, folder=school.folder)


def test_a_bundle_that_is_too_large_is_refused(school: SchoolUnderTest, tmp_path: Path) -> None:
    content = pack_bundle(dense_model(), metadata(note="x" * MAX_BUNDLE_BYTES))
    with pytest.raises(InputError, match="expected at most 16,777,216"):
        publish_model(bundle_file(tmp_path, content), folder=school.folder)


NAMES = st.lists(st.from_regex(r"[a-z]{1,3}/[a-z0-9]{1,4}", fullmatch=True), unique=True, min_size=1, max_size=40)


@settings(max_examples=50)
@given(names=NAMES, small=st.integers(1, 100), large=st.integers(1, 100))
def test_canaries_are_the_same_each_time_and_a_larger_share_holds_the_smaller(
    names: list[str], small: int, large: int
) -> None:
    small, large = sorted((small, large))
    few, many = choose_canaries(names, small, "aa"), choose_canaries(names[::-1], large, "aa")
    assert set(few) <= set(many) <= set(names)
    assert len(few) == -(-len(names) * small // 100)


def test_another_model_is_tried_by_others() -> None:
    names = [f"school/{number}" for number in range(100)]
    assert len({choose_canaries(names, 5, sha256) for sha256 in "abcdef"}) > 1


def test_enrolment_puts_the_key_for_models_in_place(school: SchoolUnderTest) -> None:
    device = school.new_device("keyed")
    request = make_device_request(load_settings(device.config), device.keys)
    _, answer = school.fleet().add(request, "request", utc_now())
    accept_response(answer, "answer", device.config, device.keys)
    key = Path(device.settings.update.key)
    assert key == device.keys / "models.pub"
    assert key.read_text() == answer.models
    assert "PRIVATE" not in answer.models


def test_an_answer_with_a_broken_key_for_models_is_refused(school: SchoolUnderTest) -> None:
    device = school.new_device("misled")
    request = make_device_request(load_settings(device.config), device.keys)
    _, answer = school.fleet().add(request, "request", utc_now())
    wrong = replace(answer, models=answer.certificate)
    with pytest.raises(InputError, match="its key for models"):
        accept_response(wrong, "answer", device.config, device.keys)


def test_publishing_needs_the_broker_and_says_so(school: SchoolUnderTest) -> None:
    fleet = school.fleet()
    away = replace(fleet.register, school=replace(fleet.register.school, port=9))
    with pytest.raises(BrokerError, match="cannot be reached"):
        ModelPublisher(school.folder, away).publish(dense_bundle(), "dense", utc_now())


def test_a_choice_that_the_broker_did_not_get_comes_there_by_one_command(
    school: SchoolUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise BrokerError("the broker is gone")

    publish_model(bundle_file(tmp_path, dense_bundle(seed=72)), folder=school.folder)
    version = versions(school)[-1][0]
    with monkeypatch.context() as patch:
        patch.setattr("fleet.models.publish", refused)
        with pytest.raises(BrokerError, match=r"noted in .*: the broker is gone\. Then run: edge-agent fleet apply"):
            withdraw_model(version, folder=school.folder)
    assert version in [number for number, _ in versions(school)]
    apply(folder=school.folder)
    assert version not in [number for number, _ in versions(school)]


def with_accuracy(path: Path, accuracy: float) -> bytes:
    """A bundle that records another accuracy."""
    bundle = read_bundle(path)
    metrics = {part: {**values, "accuracy": accuracy} for part, values in bundle.metadata.metrics.items()}
    return pack_bundle(bundle.flatbuffer, replace(bundle.metadata, metrics=metrics), bundle.golden)


def test_a_model_worse_than_the_one_in_use_is_published_only_by_force(
    school: SchoolUnderTest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    school.device("a")
    edge, worse = (
        BUNDLED_MODELS["edge"],
        bundle_file(tmp_path, with_accuracy(BUNDLED_MODELS["edge-tiny"], 0.268), "bad.tflite"),
    )
    publish_model(edge, folder=school.folder, force=True)
    ((before, _),) = versions(school)
    with pytest.raises(CheckFailed, match=r"is worse than .*, the model in use: .*give --force|If that is meant"):
        publish_model(worse, folder=school.folder)
    publish_model(worse, folder=school.folder, force=True)
    assert [version for version, _ in versions(school)] == [before + 1]
    publish_model(edge, folder=school.folder)  # better than the one published
    publish_model(bundle_file(tmp_path, dense_bundle(seed=1)), folder=school.folder)
    assert "cannot be compared" in capsys.readouterr().err
    assert [version for version, _ in versions(school)] == [before + 3]


def test_ten_and_ten_percent_are_the_same_share(school: SchoolUnderTest, tmp_path: Path) -> None:
    for device in ("a", "b", "c"):
        school.device(device)
    chosen = []
    for share in ("10", "10%", " 10 % "):
        publish_model(bundle_file(tmp_path, dense_bundle(seed=31)), canary=share, folder=school.folder)
        chosen.append(versions(school)[-1][1])
    assert len(chosen[0]) >= 1
    assert chosen[0] == chosen[1] == chosen[2]


def test_an_earlier_model_is_published_again_under_a_new_version(
    school: SchoolUnderTest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = dense_bundle(seed=41), dense_bundle(seed=42)
    publish_model(bundle_file(tmp_path, first), folder=school.folder)
    earlier = decode_manifest(offered(school).manifests[-1].body)
    publish_model(bundle_file(tmp_path, second), folder=school.folder)
    number = versions(school)[-1][0]
    rollback_model(folder=school.folder)
    (back,) = [decode_manifest(one.body) for one in offered(school).manifests]
    assert (back.version, back.sha256, back.devices) == (number + 1, earlier.sha256, ())
    parts = kept(school, f"classroom/fleet/model/{back.sha256}/+")
    assert b"".join(parts[topic] for topic in sorted(parts)) == first
    assert "is published for all devices" in capsys.readouterr().out
    with pytest.raises(InputError, match="publish-model FILE"):
        rollback_model(999, folder=school.folder)


def test_a_withdrawn_model_and_a_canary_can_be_gone_back_from(school: SchoolUnderTest, tmp_path: Path) -> None:
    name = school.entry(school.device("a").config.parent.name).name
    for seed in (51, 52):
        publish_model(bundle_file(tmp_path, dense_bundle(seed=seed)), folder=school.folder)
    first = ModelPublisher(school.folder, school.fleet().register)
    publish_model(bundle_file(tmp_path, dense_bundle(seed=53)), device=["a"], folder=school.folder)
    rollback_model(folder=school.folder)
    before, back = [decode_manifest(one.body) for one in offered(school).manifests]
    assert (back.devices, back.sha256) == ((name,), before.sha256)
    assert first.published[-1].sha256 == before.sha256
    for version, _ in versions(school):
        withdraw_model(version, folder=school.folder)
    rollback_model(folder=school.folder)
    assert len(versions(school)) == 1


def test_after_a_withdrawal_the_model_before_it_is_gone_back_to_and_never_itself(
    school: SchoolUnderTest, tmp_path: Path
) -> None:
    name = school.entry(school.device("a").config.parent.name).name
    good, bad = (bundle_file(tmp_path, dense_bundle(seed=seed), f"{seed}.tflite") for seed in (61, 62))
    publish_model(good, folder=school.folder)
    earlier = decode_manifest(offered(school).manifests[-1].body)
    publish_model(bad, device=["a"], folder=school.folder)
    withdraw_model(earlier.version + 1, folder=school.folder)
    rollback_model(folder=school.folder)
    _, back = [decode_manifest(one.body) for one in offered(school).manifests]
    assert (back.sha256, back.devices, back.version) == (earlier.sha256, (name,), earlier.version + 2)


def test_where_the_only_model_was_withdrawn_it_does_not_come_back_by_itself(tmp_path: Path) -> None:
    with running_school(tmp_path, "Own School") as school:
        publish_model(bundle_file(tmp_path, dense_bundle(seed=63)), folder=school.folder)
        withdraw_model(1, folder=school.folder)
        with pytest.raises(InputError, match=r"The model that comes with the agent is .*expression\.tflite"):
            rollback_model(folder=school.folder)
        rollback_model(1, folder=school.folder)
        assert versions(school) == [(2, ())]
