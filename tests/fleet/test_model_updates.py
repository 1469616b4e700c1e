"""Publishing models to running agents over a real Mosquitto with the shipped configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_agent.model_format.bundle import unpack_bundle
from edge_agent.protocol.messages import ModelUpdate
from edge_agent.protocol.model_manifest import PART_BYTES, models_topic, part_topic
from fleet.cli import apply, list_devices
from fleet.model_cli import publish_model
from fleet.models import ModelPublisher
from fleet.register import utc_now
from tests.fleet.conftest import SchoolUnderTest
from tests.fleet.devices import agent_of, bundle_file, enrolled_with_camera, status_log_of
from tests.support.broker import wait_until
from tests.support.golden_models import dense_bundle, edge_bundle

UNHURRIED = 1
"""Frames a second at which no load of the machine can look like a model's fault: too few come in a window to judge."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def model_state(school: SchoolUnderTest, name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What ``fleet list`` says of a device's model."""
    capsys.readouterr()
    list_devices(folder=school.folder, json=True)
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    return str(rows[f"school/{name}"]["update"])


def test_a_published_model_takes_over_in_the_running_agent_and_proves_itself(
    school: SchoolUnderTest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = enrolled_with_camera(school, "runs", probation_s=3, fps=UNHURRIED)
    new = unpack_bundle(edge_bundle("runs"), "new")
    with status_log_of(school) as status_log, agent_of(files):
        before = status_log.wait("runs", "none")
        assert model_state(school, "runs", capsys) == "bundled"
        publish_model(bundle_file(tmp_path, edge_bundle("runs")), device=["runs"], folder=school.folder)
        after = status_log.wait("runs", "current")
        assert isinstance(after.model_update, ModelUpdate)
        assert (after.session, after.model) == (before.session, new.model_id)
        assert (after.model_update.source, model_state(school, "runs", capsys)) == (
            "fleet",
            f"v{after.model_update.version}",
        )


def test_a_model_that_makes_the_device_miss_frames_is_given_up_by_itself(
    school: SchoolUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    files = enrolled_with_camera(school, "slows", probation_s=60, fps=30)
    # A few times the work of all else that is done for a frame: too slow on whatever machine.
    slow = dense_bundle(seed=7, slow=60)
    with status_log_of(school) as status_log, agent_of(files):
        before = status_log.wait("slows", "none")
        publisher = ModelPublisher(school.folder, school.fleet().register)
        publisher.publish(slow, "slow", utc_now(), devices=["school/slows"], max_slowdown=1000.0)
        on_probation = status_log.wait("slows", "probation")
        assert on_probation.model == unpack_bundle(slow, "slow").model_id
        after = status_log.wait("slows", "rolled_back")
        assert isinstance(after.model_update, ModelUpdate)
        assert after.model == before.model
        assert "of the camera's frames" in after.model_update.reason
        assert "rolled back: looked at" in model_state(school, "slows", capsys)


def test_a_device_that_was_off_converges_and_one_whose_agent_dies_under_the_model_goes_back(
    school: SchoolUnderTest, tmp_path: Path
) -> None:
    files = enrolled_with_camera(school, "off")
    content = edge_bundle("off")
    publish_model(bundle_file(tmp_path, content), device=["off"], folder=school.folder)
    new = unpack_bundle(content, "new").model_id
    with status_log_of(school) as status_log:
        with agent_of(files) as agent:
            first = status_log.wait("off", "probation")
            agent.kill()
        with agent_of(files) as agent:
            second = status_log.wait("off", "probation", after=first.session)
            agent.kill()
        with agent_of(files):
            after = status_log.wait("off", "rolled_back")
    assert isinstance(after.model_update, ModelUpdate)
    assert (first.model, second.model) == (new, new)
    assert after.model != new
    assert "ended unexpectedly 2 times" in after.model_update.reason


def test_a_model_that_passes_its_validation_and_fails_in_the_lesson_is_given_up_while_the_agent_goes_on(
    school: SchoolUnderTest, tmp_path: Path
) -> None:
    files = enrolled_with_camera(school, "fails")
    # The validation reads 1, 7 and 8 faces at once, the lesson has up to four.
    content = dense_bundle(seed=9, fails_for=(2, 3, 4))
    with status_log_of(school) as status_log, agent_of(files):
        before = status_log.wait("fails", "none")
        publish_model(bundle_file(tmp_path, content), device=["fails"], folder=school.folder)
        after = status_log.wait("fails", "rolled_back")
        assert isinstance(after.model_update, ModelUpdate)
        assert "classifying faces failed" in after.model_update.reason
        assert after.model_update.wanted_model == unpack_bundle(content, "failing").model_id
        assert (after.session, after.model) == (before.session, before.model)


def test_an_agent_killed_while_it_downloads_tries_and_watches_a_model_ends_up_with_it(
    school: SchoolUnderTest, tmp_path: Path
) -> None:
    files = enrolled_with_camera(school, "killed", probation_s=3, fps=UNHURRIED)
    content = edge_bundle("killed")
    publish_model(bundle_file(tmp_path, content), device=["killed"], folder=school.folder)
    new = unpack_bundle(content, "new")
    held_back = part_topic("classroom", new.sha256, 2)
    arrived = files.config.parent / "models" / f"{new.sha256}.part"
    session = ""
    with status_log_of(school) as status_log:
        status_log.put(held_back, b"")
        with agent_of(files) as agent:
            session = status_log.wait("killed", "downloading").session
            wait_until(lambda: arrived.exists() and arrived.stat().st_size == 2 * PART_BYTES, what="two parts")
            agent.kill()
        status_log.put(held_back, content[2 * PART_BYTES : 3 * PART_BYTES])
        for state in ("checking", "probation"):
            with agent_of(files) as agent:
                session = status_log.wait("killed", state, after=session).session
                agent.kill()
        with agent_of(files):
            after = status_log.wait("killed", "current", after=session)
    assert after.model == new.model_id


def test_who_has_the_operators_password_gives_no_model_and_brings_none_back(
    school: SchoolUnderTest, tmp_path: Path
) -> None:
    files = enrolled_with_camera(school, "attacked")
    old, content = dense_bundle(seed=11), edge_bundle("attacked")
    publisher = ModelPublisher(school.folder, school.fleet().register)
    publisher.publish(old, "old", utc_now(), devices=["school/attacked"])
    with status_log_of(school) as status_log:
        old_message = status_log.read_retained(models_topic("classroom"))
        publish_model(bundle_file(tmp_path, content), device=["attacked"], folder=school.folder)
        new = unpack_bundle(content, "new")
        first = part_topic("classroom", new.sha256, 0)
        status_log.put(first, bytes([content[0] ^ 1]) + content[1:PART_BYTES])
        with agent_of(files):
            refused = status_log.wait("attacked", "refused")
            assert isinstance(refused.model_update, ModelUpdate)
            assert "its sha256 differs" in refused.model_update.reason
            apply(folder=school.folder)
            assert status_log.wait("attacked", "probation").model == new.model_id
            status_log.put(models_topic("classroom"), old_message)
            refused = status_log.wait("attacked", "refused")
            assert isinstance(refused.model_update, ModelUpdate)
            assert "which this device has been given before" in refused.model_update.reason
            assert refused.model == new.model_id
    apply(folder=school.folder)
