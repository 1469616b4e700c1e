"""How a published model is fetched, put in place and given up again, whatever interrupts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent import __version__
from edge_agent.config import ClassifierSettings
from edge_agent.model_format.bundle import read_bundle
from edge_agent.protocol.model_manifest import ModelManifest, part_topic
from edge_agent.update.messages import Choice
from edge_agent.update.model_folder import ModelFolder
from edge_agent.update.probation import Outcome
from edge_agent.update.state import UpdateState, kept
from edge_agent.vision.classifier import BUNDLED_MODEL
from tests.support.broker import wait_until
from tests.support.golden_models import OTHER_LABELS, dense_bundle
from tests.update.harness import Harness, manifest_of, sign

FIRST, SECOND = dense_bundle(seed=1), dense_bundle(seed=2)


def restart(harness: Harness, boot: str = "boot-1", *, in_order: bool = False) -> None:
    """The agent ends, unexpectedly unless ``in_order``, and starts again; the broker sends nothing meanwhile."""
    harness.updater.stop(in_order=in_order)
    harness.reported.clear()
    retained, harness.retained = harness.retained, {}
    harness.start(boot)
    harness.retained = retained


def model_of(harness: Harness) -> str:
    return harness.updater.model.model_id


def proven(harness: Harness, content: bytes, version: int) -> ModelManifest:
    """A model that has been taken and has proved itself."""
    manifest = harness.publish(content, version)
    harness.take_over()
    harness.outcome("probation")
    harness.updater.hear(Outcome(manifest.model_id, 600.0, passed=True))
    harness.outcome("current")
    return manifest


def test_a_published_model_is_in_place_and_stays_through_a_restart(harness: Harness) -> None:
    harness.start()
    manifest = proven(harness, FIRST, 1)
    assert (harness.reported[-1].source, harness.reported[-1].version) == ("fleet", 1)
    restart(harness)
    assert model_of(harness) == manifest.model_id
    assert harness.outcome("current").version == 1


def test_the_bundled_model_published_again_is_taken_as_it_is(harness: Harness) -> None:
    harness.start()
    harness.announce(sign(manifest_of(BUNDLED_MODEL.read_bytes(), 3)))
    report = harness.outcome("current")
    assert (report.source, report.wanted, harness.updater.ready()) == ("bundled", 3, None)


def test_new_labels_are_taken_where_the_manifest_says_so(harness: Harness) -> None:
    harness.start()
    harness.publish(dense_bundle(names=OTHER_LABELS), 1, new_labels=True)
    assert harness.take_over().classifier.labels == OTHER_LABELS


def test_shares_of_a_prior_wait_for_the_model_with_their_labels(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.settings = ClassifierSettings(prior=dict.fromkeys(OTHER_LABELS, 1 / len(OTHER_LABELS)))
    assert harness.start().model.prior.startswith("half: ")
    assert "the prior is 'half' until the fleet publishes a model with other labels: $.classifier" in caplog.text
    harness.publish(dense_bundle(names=OTHER_LABELS, prior=(0.4, *[0.1] * 6)), 1, new_labels=True)
    assert harness.take_over().classifier.prior.startswith("given: ")


def test_one_for_other_devices_is_left_alone(harness: Harness) -> None:
    harness.start()
    other, own = manifest_of(FIRST, 7, devices=("school/b",)), manifest_of(SECOND, 6)
    harness.put_parts(SECOND, own)
    harness.announce(sign(other), sign(own))
    assert harness.take_over().classifier.model_id == own.model_id


def test_of_those_meant_for_a_device_the_highest_version_counts(harness: Harness) -> None:
    harness.start()
    for_all, for_it = manifest_of(FIRST, 4), manifest_of(SECOND, 5, devices=("school/b", "school/a"))
    harness.put_parts(SECOND, for_it)
    harness.announce(sign(for_it), sign(for_all))
    assert harness.take_over().classifier.model_id == for_it.model_id


def test_an_operators_choice_among_the_published_ones_is_followed(harness: Harness) -> None:
    harness.start()
    first, second = manifest_of(FIRST, 1), manifest_of(SECOND, 2, devices=("school/a",))
    harness.updater.hear(Choice(first.model_id))
    harness.put_parts(FIRST, first)
    harness.put_parts(SECOND, second)
    harness.announce(sign(first), sign(second))
    assert harness.take_over().classifier.model_id == first.model_id
    harness.updater.hear(Choice(""))
    assert harness.take_over().classifier.model_id == second.model_id


def test_a_download_goes_on_where_it_stopped(harness: Harness) -> None:
    harness.start()
    manifest = manifest_of(FIRST, 1)
    harness.put_parts(FIRST, manifest)
    missing = part_topic("classroom", manifest.sha256, 1)
    second = harness.retained.pop(missing)
    harness.announce(sign(manifest))
    part = harness.folder / "models" / f"{manifest.sha256}.part"
    wait_until(lambda: part.exists() and part.stat().st_size == 64 * 1024, what="the first part")
    restart(harness)
    del harness.retained[part_topic("classroom", manifest.sha256, 0)]
    harness.retained[missing] = second
    harness.announce(*[sign(manifest)])
    assert harness.take_over().classifier.model_id == manifest.model_id


@pytest.mark.parametrize(
    "left",
    [b"", b"x" * 1000, b"\0" * 64 * 1024, b"\0" * 70_000, b"\0" * 10_000_000],
    ids=["empty", "half a part", "zeros", "zeros and more", "too long"],
)
def test_whatever_a_power_cut_left_of_a_download_the_model_arrives(harness: Harness, left: bytes) -> None:
    manifest = manifest_of(FIRST, 1)
    (harness.folder / "models").mkdir()
    (harness.folder / "models" / f"{manifest.sha256}.part").write_bytes(left)
    harness.start()
    harness.publish(FIRST, 1)
    if len(left) >= 64 * 1024:
        harness.outcome("refused")  # its sha256 differs; from the start it comes out right
        harness.announce(sign(manifest))
    assert harness.take_over().classifier.model_id == manifest.model_id


@pytest.mark.parametrize("state", [b"", b"{", b"\0" * 300, b'{"v":9}'])
def test_a_state_that_a_broken_disk_left_counts_as_empty(harness: Harness, state: bytes) -> None:
    (harness.folder / "models").mkdir()
    (harness.folder / "models" / "state.json").write_bytes(state)
    harness.start()
    assert harness.reported[-1].source == "bundled"
    harness.publish(FIRST, 1)
    harness.take_over()


def test_a_model_whose_file_is_damaged_gives_way_to_the_one_before_and_is_fetched_again(
    harness: Harness,
) -> None:
    harness.start()
    first = proven(harness, FIRST, 1)
    second = proven(harness, SECOND, 2)
    folder = ModelFolder(harness.folder / "models")
    file = folder.bundle(kept(second))
    file.write_bytes(file.read_bytes()[:-1])
    restart(harness)
    assert model_of(harness) == first.model_id
    harness.announce(sign(second))
    assert harness.take_over().classifier.model_id == second.model_id


def test_one_that_gets_worse_is_taken_back_and_not_tried_again(harness: Harness) -> None:
    harness.start()
    first = proven(harness, FIRST, 1)
    second = harness.publish(SECOND, 2)
    harness.take_over()
    harness.outcome("probation")
    harness.updater.hear(Outcome(second.model_id, 30.0, regression="a face took 90.0 ms, 1.0 ms before"))
    assert harness.take_over().classifier.model_id == first.model_id
    report = harness.outcome("rolled_back")
    assert (report.version, report.wanted, report.reason) == (1, 2, "a face took 90.0 ms, 1.0 ms before")
    restart(harness)
    harness.announce(sign(second))
    assert harness.outcome("rolled_back").wanted == 2
    assert model_of(harness) == first.model_id


def test_a_verdict_about_a_model_that_has_been_followed_by_another_is_nobodys(harness: Harness) -> None:
    harness.start()
    first = harness.publish(FIRST, 1)
    harness.take_over()
    second = harness.publish(SECOND, 2)
    harness.take_over()
    harness.updater.hear(Outcome(first.model_id, 30.0, regression="slow"))
    harness.updater.hear(Outcome(second.model_id, 600.0, passed=True))
    assert harness.outcome("current").version == 2


def test_an_agent_that_ends_twice_unexpectedly_under_a_new_model_starts_with_the_old_one(
    harness: Harness,
) -> None:
    harness.start()
    harness.publish(FIRST, 1)
    harness.take_over()
    harness.outcome("probation")
    restart(harness)
    assert harness.updater.probation is not None
    restart(harness)
    assert model_of(harness) == read_bundle(BUNDLED_MODEL).model_id
    assert "ended unexpectedly 2 times during its probation" in harness.outcome("rolled_back").reason


@pytest.mark.parametrize("how", ["in order", "power cuts"])
def test_other_ends_are_not_the_models_fault(harness: Harness, how: str) -> None:
    harness.start()
    manifest = harness.publish(FIRST, 1)
    harness.take_over()
    harness.outcome("probation")
    for number in range(4):
        restart(harness, boot=f"boot-{number}" if how == "power cuts" else "boot-1", in_order=how == "in order")
    assert model_of(harness) == manifest.model_id


def test_time_served_on_probation_counts_on_after_a_restart(harness: Harness) -> None:
    harness.start()
    manifest = harness.publish(FIRST, 1)
    harness.take_over()
    harness.outcome("probation")
    harness.updater.hear(Outcome(manifest.model_id, 240.0))
    restart(harness, in_order=True)
    assert harness.updater.probation is not None
    assert harness.updater.probation.served_s == 240.0


def test_a_full_disk_is_reported_and_ends_nothing(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.update.model_folder._RESERVE_BYTES", 2**60)
    harness.start()
    harness.publish(FIRST, 1)
    assert "not enough disk space for a model" in harness.outcome("failed").reason
    monkeypatch.undo()
    harness.announce(sign(manifest_of(FIRST, 1)))
    harness.take_over()


def test_nothing_but_the_model_in_use_and_the_one_before_is_kept(harness: Harness) -> None:
    harness.start()
    proven(harness, FIRST, 1)
    second = proven(harness, SECOND, 2)
    third = proven(harness, dense_bundle(seed=5), 3)
    files = {file.name for file in (harness.folder / "models").iterdir()}
    assert files == {"state.json", f"{second.sha256}.tflite", f"{third.sha256}.tflite"}


WRITER = f"""
import sys
from pathlib import Path
from edge_agent.update.state import UpdateState, Kept
from edge_agent.update.model_folder import ModelFolder
folder = ModelFolder(Path(sys.argv[1]))
print("ready", flush=True)
for version in range(1, 10**6):
    folder.remember(UpdateState(current=Kept(sha256="{"a" * 64}", version=version)))
"""


def test_a_process_killed_while_it_remembers_leaves_a_whole_state(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path / "models")
    versions = []
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(folder.path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        (folder.path / "state.json").unlink(missing_ok=True)
        wait_until((folder.path / "state.json").exists, what="a first state")
        child.kill()
        child.communicate()
        state = folder.state()
        assert state.current is not None
        versions.append(state.current.version)
    assert all(version >= 1 for version in versions)


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0", b'{"more":' + b"[" * 50_000], ids=["empty", "zeros", "nested without end"]
)
def test_a_damaged_state_counts_as_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.json").write_bytes(content)
    assert ModelFolder(tmp_path).state() == UpdateState()


def test_the_version_of_the_agent_that_refused_is_noted(harness: Harness) -> None:
    harness.start()
    harness.publish(dense_bundle(names=OTHER_LABELS), 1)
    harness.outcome("refused")
    verdict = ModelFolder(harness.folder / "models").state().verdict
    assert verdict is not None
    assert verdict.agent == __version__


def test_a_folder_that_cannot_be_written_for_longer_than_one_attempt_is_tried_again(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.retry_s = 0.0
    in_the_way = harness.folder / "models"
    in_the_way.write_text("")
    harness.start()
    harness.publish(dense_bundle(seed=2), 1)
    wait_until(lambda: caplog.text.count("could not be updated") > 2, what="three attempts")
    in_the_way.unlink()
    harness.take_over()
    harness.outcome("probation")
