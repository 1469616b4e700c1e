"""A whole reproduction, tiny and real: it trains in processes of its own, writes pages, and does nothing twice."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from edge_agent.errors import CheckFailed, InputError
from tests.support.training import needs_training
from tests.train.data.files import face_set, row, write_table
from tests.train.reproduce.made import finished, finished_job, result, results, write_ckplus
from train.__main__ import app
from train.common.machine import usable_cores
from train.data.splits import make_split
from train.fit.child_process import device_environment
from train.fit.run_dir import RunDir
from train.fit.run_record import EpochMetrics
from train.reproduce.command import Choice, republish, run_target
from train.reproduce.folder import ReproductionRecord, exclusive_lock, page_lock, write_pages
from train.reproduce.jobs import Job, Settings, plan, recipe_of
from train.reproduce.page import RESULTS, write_page
from train.reproduce.queue import reproduce
from train.reproduce.results import Results, collect, read_results
from train.reproduce.sources import Source, _name_of, read_data

EPOCHS = 4
BY_IMAGE = Job(data="ckplus", model="paper-8")
# Two trainings in processes of their own, each of which loads a backend: minutes on a busy machine.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def ckplus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ckplus(tmp_path_factory.mktemp("data") / "CK+48")


@dataclass(frozen=True)
class Reproduction:
    """A reproduction of one run by the command, killed after its first epochs and called again."""

    out: Path
    run: RunDir
    before: list[EpochMetrics]


@pytest.fixture(scope="module")
def twice(ckplus: Path, tmp_path_factory: pytest.TempPathFactory) -> Reproduction:
    needs_training()
    out = tmp_path_factory.mktemp("reproduction") / "out"
    run = RunDir(out / "ckplus-paper" / "paper-8-seed1")
    part = ["table9", "--only", "8", "--splits", "paper", "--seeds", "1", "--epochs", str(EPOCHS)]
    command = [
        sys.executable,
        "-m",
        "train",
        "reproduce",
        *part,
        "--ckplus",
        str(ckplus),
        "--out",
        str(out),
        "--docs",
        str(out.parent / "docs"),
    ]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 400
    while run.load_state() is None and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    first.kill()
    first.wait()
    state = run.load_state()
    before = run.metrics()[: state[0] if state else 0]  # a row whose state was not yet written is trained again
    ended = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert ended.returncode == 0, ended.stderr
    return Reproduction(out, run, before)


@pytest.fixture(scope="module")
def done(twice: Reproduction) -> Path:
    return twice.out


def test_a_killed_reproduction_is_continued_where_it_was(twice: Reproduction) -> None:
    assert twice.before
    assert len(twice.run.metrics()) == EPOCHS
    assert twice.run.metrics()[: len(twice.before)] == twice.before


def test_a_training_ends_with_the_queue_that_began_it(ckplus: Path, tmp_path: Path) -> None:
    needs_training()
    script = f"""
from pathlib import Path
from train.fit.child_process import *
from train.reproduce.jobs import *
job = plan("table9", only=["8"])[0]
with Children() as children:
    children.start(Assignment(recipe=recipe_of(job, Settings()), data={str(ckplus)!r}, run={str(tmp_path / "run")!r}))
    children.next_ended()
"""
    queue = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert queue.stdout is not None
    children = Path(f"/proc/{queue.pid}/task/{queue.pid}/children")
    deadline = time.monotonic() + 60
    while not children.read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with queue.stdout as both_hold_it:
        queue.kill()
        queue.wait()
        both_hold_it.read()  # Ends when the last process that holds the other end has ended.


def test_the_command_leaves_a_finished_run_a_page_and_results(done: Path) -> None:
    run = RunDir(done / "ckplus-paper" / "paper-8-seed1")
    assert run.record().finished_at
    [found] = read_results(done / "reproduction" / "results.json").results
    assert found.job == BY_IMAGE
    assert found.val_accuracy == pytest.approx(run.metrics()[-1].val_accuracy, abs=1e-6)
    assert "shortened to 4 of the paper's 50 epochs" in (done / "reproduction.md").read_text()


def test_the_page_goes_to_the_documents_too(done: Path) -> None:
    for name in ("reproduction.md", "reproduction/results.json"):
        assert (done.parent / "docs" / name).read_bytes() == (done / name).read_bytes()


def test_a_second_call_trains_nothing_and_changes_nothing(done: Path, ckplus: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (done / "ckplus-paper").rglob("*")}
    page = (done / "reproduction.md").read_bytes()
    reported: list[str] = []
    jobs = plan("table9", only=["8"], seeds=(1,), splits=("paper",))
    reproduce(jobs, read_data([ckplus]), done, Settings(epochs=EPOCHS), report=reported.append)
    assert reported == [f"1 of 1 trainings are done; the page is {done / 'reproduction.md'}"]
    assert {path: path.stat().st_mtime_ns for path in (done / "ckplus-paper").rglob("*")} == before
    assert (done / "reproduction.md").read_bytes() == page


@dataclass(frozen=True)
class Together:
    """Three trainings, two at once: the first was killed just after its start, a file of the last one is broken."""

    out: Path
    reported: list[str]
    failure: str


@pytest.fixture(scope="module")
def together(ckplus: Path, tmp_path_factory: pytest.TempPathFactory) -> Together:
    needs_training()
    if len(usable_cores()) < 2:
        pytest.skip("one core holds one training")
    out, reported = tmp_path_factory.mktemp("together"), list[str]()
    children = Path(f"/proc/{os.getpid()}/task")

    def report(line: str) -> None:
        reported.append(line)
        if line.startswith("training 2 of 3"):
            begun = " ".join(file.read_text() for file in children.glob("*/children")).split()
            [first] = [pid for pid in begun if b"train.fit.child_process" in Path(f"/proc/{pid}/cmdline").read_bytes()]
            os.kill(int(first), signal.SIGKILL)

    jobs = plan("table9", only=["8"], seeds=(1, 2, 3), splits=("paper",))
    (out / jobs[2].folder).mkdir(parents=True)
    (out / jobs[2].folder / "run.json").write_text("{")
    with pytest.raises(CheckFailed) as failed:
        reproduce(jobs, read_data([ckplus]), out, Settings(epochs=1), at_once=2, report=report)
    return Together(out, reported, str(failed.value))


def test_trainings_at_once_each_keep_to_a_core_of_their_own(together: Together) -> None:
    found = read_results(together.out / RESULTS).results
    cores = sorted(int(one.machine.rpartition(", ")[2].split()[0]) for one in found)
    halves = sorted((len(usable_cores()) // 2, (len(usable_cores()) + 1) // 2))
    assert len(cores) == 2
    assert set(cores) <= set(halves)


def test_a_training_that_a_signal_ended_is_tried_again(together: Together) -> None:
    assert f"{BY_IMAGE} ended with status -9" in together.reported
    assert f"again: {BY_IMAGE}" in together.reported


def test_a_broken_run_keeps_no_other_from_being_trained(together: Together) -> None:
    assert [one.job.seed for one in read_results(together.out / RESULTS).results] == [1, 2]
    assert together.failure.startswith("1 of 3 trainings failed: paper-8 on CK+ by image, seed 3")


def test_a_damaged_run_is_logged_and_the_others_are_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = Job(data="ckplus", model="paper-6")
    for job in (BY_IMAGE, other):
        finished_job(tmp_path, job)
    (tmp_path / BY_IMAGE.folder / "run.json").write_text('{"reci')
    assert [one.job for one in collect(tmp_path, Settings()).results] == [other]
    assert f"left out: {tmp_path / BY_IMAGE.folder / 'run.json'}" in caplog.text


def test_trainings_of_another_kind_are_not_shown(tmp_path: Path) -> None:
    finished(tmp_path / "own" / "mine")  # on other data, by another recipe
    finished_job(tmp_path / "elsewhere", BY_IMAGE).path.rename(tmp_path / "own" / "a-name-of-its-own")
    finished_job(tmp_path, BY_IMAGE)
    assert [one.job for one in collect(tmp_path, Settings()).results] == [BY_IMAGE]


def test_a_finished_run_by_another_recipe_is_refused_and_not_taken_for_done(ckplus: Path, tmp_path: Path) -> None:
    needs_training()
    mine = msgspec.structs.replace(recipe_of(BY_IMAGE, Settings()), batch_size=32)
    finished(tmp_path / BY_IMAGE.folder, mine)
    reported: list[str] = []
    with pytest.raises(InputError, match="was refused"):
        reproduce([BY_IMAGE], read_data([ckplus]), tmp_path, Settings(), report=reported.append)
    assert reported[0].startswith("0 of 1 trainings are done")


def test_more_trainings_at_once_than_cores_are_refused(ckplus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--jobs: got 10000, expected 1 to \d+, the cores"):
        reproduce([BY_IMAGE], read_data([ckplus]), tmp_path / "out", Settings(), at_once=10_000)


def publish(found: Results, docs: Path) -> Path:
    """A page as another machine would have left it in the documents."""
    write_page(found, docs)
    return docs


def test_what_the_documents_show_already_is_not_trained_again(ckplus: Path, tmp_path: Path) -> None:
    read = read_data([ckplus])
    elsewhere = msgspec.structs.replace(result(BY_IMAGE), fingerprint=read["ckplus"].faces.fingerprint()[:12])
    docs, out, reported = publish(results(elsewhere), tmp_path / "docs"), tmp_path / "out", list[str]()
    reproduce([BY_IMAGE], read, out, Settings(), docs=docs, report=reported.append)
    assert reported == [f"1 of 1 trainings are done, 1 of them elsewhere; the page is {out / 'reproduction.md'}"]
    for folder in (docs, out):
        assert read_results(folder / RESULTS).results == (elsewhere,)
    assert not (out / BY_IMAGE.folder).exists()


def test_documents_about_other_data_are_refused_and_left_alone(ckplus: Path, tmp_path: Path) -> None:
    docs = publish(results(result(BY_IMAGE)), tmp_path / "docs")
    before = (docs / RESULTS).read_bytes()
    with pytest.raises(
        InputError, match=rf"got {re.escape(str(BY_IMAGE))} trained on data with sha256 0+ .*folder of your own"
    ):
        reproduce([BY_IMAGE], read_data([ckplus]), tmp_path / "out", Settings(), docs=docs)
    assert (docs / RESULTS).read_bytes() == before
    assert not (tmp_path / "out" / "reproduction.json").exists(), "another call may start there"


def test_what_another_call_finished_meanwhile_is_not_trained_again(ckplus: Path, tmp_path: Path) -> None:
    read = read_data([ckplus])
    elsewhere = msgspec.structs.replace(result(BY_IMAGE), fingerprint=read["ckplus"].faces.fingerprint()[:12])
    docs, out, reported = tmp_path / "docs", tmp_path / "out", list[str]()

    def report(line: str) -> None:
        if not reported:
            publish(results(elsewhere), docs)
        reported.append(line)

    reproduce([BY_IMAGE], read, out, Settings(), docs=docs, report=report)
    assert reported[1:] == [f"training 1 of 1: {BY_IMAGE}, done elsewhere meanwhile"]
    assert read_results(docs / RESULTS).results == (elsewhere,)


def test_pages_in_one_folder_are_written_one_after_the_other(tmp_path: Path) -> None:
    docs, record = tmp_path / "docs", ReproductionRecord(settings=Settings())
    writer = threading.Thread(target=write_pages, args=(tmp_path / "out", docs, record))
    with page_lock(docs):
        writer.start()
        writer.join(0.3)
        assert not (docs / RESULTS).exists()
    writer.join(60)
    assert (docs / RESULTS).is_file()


def test_documents_about_another_length_are_refused_and_left_alone(ckplus: Path, tmp_path: Path) -> None:
    docs = publish(results(result(BY_IMAGE), epochs=2), tmp_path / "docs")
    before = (docs / RESULTS).read_bytes()
    with pytest.raises(InputError, match=r"got trainings with 2 epochs in float32, expected 50 .*--docs"):
        reproduce([BY_IMAGE], read_data([ckplus]), tmp_path / "out", Settings(), docs=docs)
    assert (docs / RESULTS).read_bytes() == before
    assert not (tmp_path / "out" / "reproduction.json").exists(), "another call may start there"


def test_the_page_can_be_written_again_without_data(done: Path) -> None:
    page = (done / "reproduction.md").read_bytes()
    (done / "reproduction.md").unlink()
    assert republish(done, None).startswith("1 trainings are done.")
    assert (done / "reproduction.md").read_bytes() == page


def test_a_folder_is_not_continued_with_another_length(done: Path, ckplus: Path) -> None:
    with pytest.raises(InputError, match="got trainings with 4 epochs in float32, expected 50 epochs in float32"):
        reproduce(plan("table9"), read_data([ckplus]), done, Settings())


def test_a_folder_is_not_continued_on_other_data(done: Path, tmp_path: Path) -> None:
    other = read_data([write_ckplus(tmp_path / "CK+48", subjects=9)])
    with pytest.raises(InputError, match="got trainings on other data than"):
        reproduce(plan("table9"), other, done, Settings(epochs=EPOCHS))


def test_two_calls_do_not_work_in_one_folder(done: Path, ckplus: Path) -> None:
    with exclusive_lock(done), pytest.raises(InputError, match="a folder that another command is at work in"):
        reproduce(plan("table9"), read_data([ckplus]), done, Settings(epochs=EPOCHS))


def test_folders_that_are_none_are_refused_in_one_line(ckplus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="got no folder, expected a reproduction's folder"):
        republish(tmp_path / "file", None)
    with pytest.raises(InputError, match=r"/proc: cannot be written"):
        reproduce(plan("table9"), read_data([ckplus]), Path("/proc"), Settings(epochs=EPOCHS))
    with pytest.raises(InputError, match="Is a directory"):
        read_results(tmp_path)


def test_a_training_that_refuses_its_input_ends_the_queue(tmp_path: Path) -> None:
    folder = write_ckplus(tmp_path / "CK+48", subjects=5)
    read = read_data([folder])
    shutil.rmtree(folder)
    reported: list[str] = []
    with pytest.raises(InputError, match=r"paper-8 on CK\+ by image, seed 1 was refused"):
        reproduce(plan("table9", only=["8"]), read, tmp_path / "out", Settings(epochs=EPOCHS), report=reported.append)
    assert len(reported) == 2


def test_a_training_whose_parent_ends_before_it_is_told_anything_ends_without_a_word() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "train.fit.child_process"], stdin=subprocess.DEVNULL, capture_output=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_without_its_data_a_target_is_refused(ckplus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="data: got ckplus, expected fer2013"):
        reproduce(plan("table8"), read_data([ckplus]), tmp_path, Settings())


def test_only_the_papers_sets_are_taken(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected FER2013 with Training and PublicTest, or CK\+48"):
        _name_of(Source(tmp_path, face_set([0, 1], classes=("a", "b"))))


@pytest.mark.parametrize(
    ("usages", "judged", "message"),
    [
        (["Training", "PublicTest", "PrivateTest"], [1, 2], ""),
        (["Training", "PublicTest"], [1], "PublicTest alone"),
    ],
)
def test_fer2013_is_judged_by_all_the_test_images_there_are(
    usages: list[str], judged: list[int], message: str, tmp_path: Path
) -> None:
    table = write_table(tmp_path / "fer2013.csv", [row(seed, usage=usage) for seed, usage in enumerate(usages)])
    read = read_data([table])["fer2013"]
    split = make_split(read.faces, Job(data="fer2013", model="paper-3").protocol)
    assert split.validation.tolist() == judged
    assert message in split.note


def test_a_set_is_named_once(ckplus: Path) -> None:
    with pytest.raises(InputError, match="expected each set once"):
        read_data([ckplus, ckplus])


@pytest.mark.parametrize("option", ["--out", "--docs"])
def test_a_file_where_a_folder_is_wanted_is_refused(option: str, ckplus: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    out, docs = (file, None) if option == "--out" else (tmp_path / "out", file)
    with pytest.raises(InputError, match=f"{option} {re.escape(str(file))}: got File exists, expected a folder"):
        reproduce([BY_IMAGE], read_data([ckplus]), out, Settings(), docs=docs)


@pytest.mark.parametrize("seeds", ["", "one", "1,-2", "4294967296"])
def test_seeds_are_whole_numbers(seeds: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--seeds: got .*, expected whole numbers"):
        run_target(
            Choice("table9", only="", splits="both", seeds=seeds),
            [],
            tmp_path,
            Settings(epochs=1),
            device="auto",
            docs=None,
            report=print,
        )


def test_devices_are_chosen_by_what_backends_read() -> None:
    assert device_environment("auto") == {}
    assert device_environment("gpu:1") == {"CUDA_VISIBLE_DEVICES": "1"}
    assert device_environment("cpu")["CUDA_VISIBLE_DEVICES"] == "-1"
    with pytest.raises(InputError, match="device: got 'tpu'"):
        device_environment("tpu")


def test_the_queue_itself_never_loads_a_backend() -> None:
    script = "import sys, train.reproduce.command; sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], env=os.environ, timeout=60, check=False).returncode == 0


def test_the_commands_help_names_every_part() -> None:
    reported = CliRunner().invoke(app, ["reproduce", "--help"], terminal_width=200).output
    assert all(word in reported for word in ("table8", "table9", "figures", "all", "--ckplus", "--only", "--epochs"))
