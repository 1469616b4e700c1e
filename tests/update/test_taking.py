"""How a published model is fetched, put in place and given up again, whatever interrupts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent import __version__
from edge_agent.model_format.bundle import read_bundle
from edge_agent.protocol.model_manifest import ModelManifest, part_topic
from edge_agent.update.messages import Choice
from edge_agent.update.model_folder import ModelFolder
from edge_agent.update.probation import Outcome
from edge_agent.update.state import UpdateState, kept
from edge_agent.vision.classifier import BUNDLED_MODEL
from tests.support.broker import wait_until
from tests.support.golden_models import OTHER_LABELS, dense_bundle
from tests.update.school import Desk, publication_of, sign

FIRST, SECOND = dense_bundle(seed=1), dense_bundle(seed=2)


def restart(desk: Desk, boot: str = "boot-1", *, in_order: bool = False) -> None:
    """The agent ends, unexpectedly unless ``in_order``, and starts again; the broker sends nothing meanwhile."""
    desk.updater.stop(in_order=in_order)
    desk.told.clear()
    retained, desk.retained = desk.retained, {}
    desk.start(boot)
    desk.retained = retained


def model_of(desk: Desk) -> str:
    return desk.updater.model.model_id


def proven(desk: Desk, content: bytes, version: int) -> ModelManifest:
    """A model that has been taken and has proved itself."""
    publication = desk.publish(content, version)
    desk.take_over()
    desk.outcome("probation")
    desk.updater.hear(Outcome(publication.model_id, 600.0, passed=True))
    desk.outcome("current")
    return publication


def test_a_published_model_is_in_place_and_stays_through_a_restart(desk: Desk) -> None:
    desk.start()
    publication = proven(desk, FIRST, 1)
    assert (desk.told[-1].source, desk.told[-1].version) == ("fleet", 1)
    restart(desk)
    assert model_of(desk) == publication.model_id
    assert desk.outcome("current").version == 1


def test_the_bundled_model_published_again_is_taken_as_it_is(desk: Desk) -> None:
    desk.start()
    desk.announce(sign(publication_of(BUNDLED_MODEL.read_bytes(), 3)))
    told = desk.outcome("current")
    assert (told.source, told.wanted, desk.updater.ready()) == ("bundled", 3, None)


def test_new_labels_are_taken_where_the_publication_says_so(desk: Desk) -> None:
    desk.start()
    desk.publish(dense_bundle(names=OTHER_LABELS), 1, new_labels=True)
    assert desk.take_over().classifier.labels == OTHER_LABELS


def test_one_for_other_devices_is_left_alone(desk: Desk) -> None:
    desk.start()
    other, own = publication_of(FIRST, 7, devices=("school/b",)), publication_of(SECOND, 6)
    desk.put_parts(SECOND, own)
    desk.announce(sign(other), sign(own))
    assert desk.take_over().classifier.model_id == own.model_id


def test_of_those_meant_for_a_device_the_highest_version_counts(desk: Desk) -> None:
    desk.start()
    for_all, for_it = publication_of(FIRST, 4), publication_of(SECOND, 5, devices=("school/b", "school/a"))
    desk.put_parts(SECOND, for_it)
    desk.announce(sign(for_it), sign(for_all))
    assert desk.take_over().classifier.model_id == for_it.model_id


def test_an_operators_choice_among_the_published_ones_is_followed(desk: Desk) -> None:
    desk.start()
    first, second = publication_of(FIRST, 1), publication_of(SECOND, 2, devices=("school/a",))
    desk.updater.hear(Choice(first.model_id))
    desk.put_parts(FIRST, first)
    desk.put_parts(SECOND, second)
    desk.announce(sign(first), sign(second))
    assert desk.take_over().classifier.model_id == first.model_id
    desk.updater.hear(Choice(""))
    assert desk.take_over().classifier.model_id == second.model_id


def test_a_download_goes_on_where_it_stopped(desk: Desk) -> None:
    desk.start()
    publication = publication_of(FIRST, 1)
    desk.put_parts(FIRST, publication)
    missing = part_topic("classroom", publication.sha256, 1)
    second = desk.retained.pop(missing)
    desk.announce(sign(publication))
    part = desk.folder / "models" / f"{publication.sha256}.part"
    wait_until(lambda: part.exists() and part.stat().st_size == 64 * 1024, what="the first part")
    restart(desk)
    del desk.retained[part_topic("classroom", publication.sha256, 0)]
    desk.retained[missing] = second
    desk.announce(*[sign(publication)])
    assert desk.take_over().classifier.model_id == publication.model_id


@pytest.mark.parametrize(
    "left",
    [b"", b"x" * 1000, b"\0" * 64 * 1024, b"\0" * 70_000, b"\0" * 10_000_000],
    ids=["empty", "half a part", "zeros", "zeros and more", "too long"],
)
def test_whatever_a_power_cut_left_of_a_download_the_model_arrives(desk: Desk, left: bytes) -> None:
    publication = publication_of(FIRST, 1)
    (desk.folder / "models").mkdir()
    (desk.folder / "models" / f"{publication.sha256}.part").write_bytes(left)
    desk.start()
    desk.publish(FIRST, 1)
    if len(left) >= 64 * 1024:
        desk.outcome("refused")  # its sha256 differs; from the start it comes out right
        desk.announce(sign(publication))
    assert desk.take_over().classifier.model_id == publication.model_id


@pytest.mark.parametrize("state", [b"", b"{", b"\0" * 300, b'{"v":9}'])
def test_a_state_that_a_broken_disk_left_counts_as_empty(desk: Desk, state: bytes) -> None:
    (desk.folder / "models").mkdir()
    (desk.folder / "models" / "state.json").write_bytes(state)
    desk.start()
    assert desk.told[-1].source == "bundled"
    desk.publish(FIRST, 1)
    desk.take_over()


def test_a_model_whose_file_is_damaged_gives_way_to_the_one_before_and_is_fetched_again(desk: Desk) -> None:
    desk.start()
    first = proven(desk, FIRST, 1)
    second = proven(desk, SECOND, 2)
    folder = ModelFolder(desk.folder / "models")
    file = folder.bundle(kept(second))
    file.write_bytes(file.read_bytes()[:-1])
    restart(desk)
    assert model_of(desk) == first.model_id
    desk.announce(sign(second))
    assert desk.take_over().classifier.model_id == second.model_id


def test_one_that_gets_worse_is_taken_back_and_not_tried_again(desk: Desk) -> None:
    desk.start()
    first = proven(desk, FIRST, 1)
    second = desk.publish(SECOND, 2)
    desk.take_over()
    desk.outcome("probation")
    desk.updater.hear(Outcome(second.model_id, 30.0, regression="a face took 90.0 ms, 1.0 ms before"))
    assert desk.take_over().classifier.model_id == first.model_id
    told = desk.outcome("rolled_back")
    assert (told.version, told.wanted, told.reason) == (1, 2, "a face took 90.0 ms, 1.0 ms before")
    restart(desk)
    desk.announce(sign(second))
    assert desk.outcome("rolled_back").wanted == 2
    assert model_of(desk) == first.model_id


def test_a_verdict_about_a_model_that_has_been_followed_by_another_is_nobodys(desk: Desk) -> None:
    desk.start()
    first = desk.publish(FIRST, 1)
    desk.take_over()
    second = desk.publish(SECOND, 2)
    desk.take_over()
    desk.updater.hear(Outcome(first.model_id, 30.0, regression="slow"))
    desk.updater.hear(Outcome(second.model_id, 600.0, passed=True))
    assert desk.outcome("current").version == 2


def test_an_agent_that_ends_twice_unexpectedly_under_a_new_model_starts_with_the_old_one(desk: Desk) -> None:
    desk.start()
    desk.publish(FIRST, 1)
    desk.take_over()
    desk.outcome("probation")
    restart(desk)
    assert desk.updater.probation is not None
    restart(desk)
    assert model_of(desk) == read_bundle(BUNDLED_MODEL).model_id
    assert "ended unexpectedly 2 times during its probation" in desk.outcome("rolled_back").reason


@pytest.mark.parametrize("how", ["in order", "power cuts"])
def test_other_ends_are_not_the_models_fault(desk: Desk, how: str) -> None:
    desk.start()
    publication = desk.publish(FIRST, 1)
    desk.take_over()
    desk.outcome("probation")
    for number in range(4):
        restart(desk, boot=f"boot-{number}" if how == "power cuts" else "boot-1", in_order=how == "in order")
    assert model_of(desk) == publication.model_id


def test_time_served_on_probation_counts_on_after_a_restart(desk: Desk) -> None:
    desk.start()
    publication = desk.publish(FIRST, 1)
    desk.take_over()
    desk.outcome("probation")
    desk.updater.hear(Outcome(publication.model_id, 240.0))
    restart(desk, in_order=True)
    assert desk.updater.probation is not None
    assert desk.updater.probation.served_s == 240.0


def test_a_full_disk_is_reported_and_ends_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.update.model_folder._RESERVE_BYTES", 2**60)
    desk.start()
    desk.publish(FIRST, 1)
    assert "not enough disk space for a model" in desk.outcome("failed").reason
    monkeypatch.undo()
    desk.announce(sign(publication_of(FIRST, 1)))
    desk.take_over()


def test_nothing_but_the_model_in_use_and_the_one_before_is_kept(desk: Desk) -> None:
    desk.start()
    proven(desk, FIRST, 1)
    second = proven(desk, SECOND, 2)
    third = proven(desk, dense_bundle(seed=5), 3)
    files = {file.name for file in (desk.folder / "models").iterdir()}
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


def test_the_version_of_the_agent_that_refused_is_noted(desk: Desk) -> None:
    desk.start()
    desk.publish(dense_bundle(names=OTHER_LABELS), 1)
    desk.outcome("refused")
    verdict = ModelFolder(desk.folder / "models").state().verdict
    assert verdict is not None
    assert verdict.agent == __version__


def test_a_folder_that_cannot_be_written_for_longer_than_one_attempt_is_tried_again(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.retry_s = 0.0
    in_the_way = desk.folder / "models"
    in_the_way.write_text("")
    desk.start()
    desk.publish(dense_bundle(seed=2), 1)
    wait_until(lambda: caplog.text.count("could not be updated") > 2, what="three attempts")
    in_the_way.unlink()
    desk.take_over()
    desk.outcome("probation")
