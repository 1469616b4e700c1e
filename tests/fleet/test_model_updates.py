"""Publishing models to running agents over a real Mosquitto with the shipped configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_agent.contract.bundle import unpack_bundle
from edge_agent.fleet.cli import list_devices
from edge_agent.fleet.model_cli import publish_model
from edge_agent.fleet.models import ModelDesk
from edge_agent.fleet.school import utc_now
from edge_agent.messaging.payloads import ModelUpdate
from tests.fleet.conftest import SchoolUnderTest
from tests.fleet.devices import agent_of, bundle_file, enrolled_with_camera, roll_of
from tests.golden_models import dense_bundle, edge_bundle

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def told(school: SchoolUnderTest, name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What ``fleet list`` says of a device's model."""
    capsys.readouterr()
    list_devices(folder=school.folder, json=True)
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    return str(rows[f"school/{name}"]["update"])


def test_a_published_model_takes_over_in_the_running_agent_and_proves_itself(
    school: SchoolUnderTest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = enrolled_with_camera(school, "runs", probation_s=3)
    new = unpack_bundle(edge_bundle("runs"), "new")
    with roll_of(school) as roll, agent_of(files):
        before = roll.wait("runs", "none")
        assert told(school, "runs", capsys) == "bundled"
        publish_model(bundle_file(tmp_path, edge_bundle("runs")), device=["runs"], folder=school.folder)
        after = roll.wait("runs", "current")
        assert isinstance(after.model_update, ModelUpdate)
        assert (after.session, after.model) == (before.session, new.model_id)
        assert (after.model_update.source, told(school, "runs", capsys)) == ("fleet", f"v{after.model_update.version}")


def test_a_model_that_makes_the_device_miss_frames_is_given_up_by_itself(
    school: SchoolUnderTest, capsys: pytest.CaptureFixture[str]
) -> None:
    files = enrolled_with_camera(school, "slows", probation_s=60, fps=30)
    slow = dense_bundle(seed=7, slow=10_000)
    with roll_of(school) as roll, agent_of(files):
        before = roll.wait("slows", "none")
        desk = ModelDesk(school.folder, school.fleet().register)
        desk.publish(slow, "slow", utc_now(), devices=["school/slows"], max_slowdown=1000.0)
        on_trial = roll.wait("slows", "probation")
        assert on_trial.model == unpack_bundle(slow, "slow").model_id
        after = roll.wait("slows", "rolled_back")
        assert isinstance(after.model_update, ModelUpdate)
        assert after.model == before.model
        assert "of the camera's frames" in after.model_update.reason
        assert "rolled back: looked at" in told(school, "slows", capsys)


def test_a_device_that_was_off_converges_and_one_whose_agent_dies_under_the_model_goes_back(
    school: SchoolUnderTest, tmp_path: Path
) -> None:
    files = enrolled_with_camera(school, "off")
    content = edge_bundle("off")
    publish_model(bundle_file(tmp_path, content), device=["off"], folder=school.folder)
    new = unpack_bundle(content, "new").model_id
    with roll_of(school) as roll:
        with agent_of(files) as agent:
            first = roll.wait("off", "probation")
            agent.kill()
        with agent_of(files) as agent:
            second = roll.wait("off", "probation", after=first.session)
            agent.kill()
        with agent_of(files):
            after = roll.wait("off", "rolled_back")
    assert isinstance(after.model_update, ModelUpdate)
    assert (first.model, second.model) == (new, new)
    assert after.model != new
    assert "ended without a word 2 times" in after.model_update.reason
