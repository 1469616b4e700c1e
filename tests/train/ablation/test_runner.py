"""Ablations: the plan, the trainings, and what counts as a gain."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import train.__main__ as commands
from edge_agent.errors import AgentError, ConfigError, InputError, ModelError
from tests.train.data.files import write_face
from tests.train.faces import bright_halves
from train.ablation.effects import effects, to_markdown
from train.ablation.plan import PLANS, load_plan
from train.common.writing import NotWritten
from train.data import load
from train.fit.run_dir import RunDir
from train.fit.run_record import RunRecord

pytestmark = pytest.mark.timeout(900)  # several trainings, each traced anew
RECIPE = """
title = "t"
source = ""
command = ""
cost = ""
expected = ""
model = "testing"
phases = [{ epochs = 3 }]
batch_size = 16
[optimizer]
learning_rate = 0.05
"""
PLAN = """
title = "A try"
base = "recipe.toml"
seeds = [1, 2]
[set]
phases = [{ epochs = 1 }]
[[change]]
name = "A slow rate"
set = { optimizer = { learning_rate = 1e-5 } }
[[change]]
name = "CLAHE"
faces = ["clahe"]
"""


def write_plan(folder: Path, plan: str = PLAN) -> str:
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "plan.toml").write_text(plan)
    return str(folder / "plan.toml")


@pytest.mark.parametrize("name", sorted(path.stem for path in PLANS.glob("*.toml")))
def test_a_bundled_plan_can_be_resolved(name: str) -> None:
    plan, variants = load_plan(name)
    assert len(plan.seeds) >= 2
    assert {faces for variant in variants for faces in variant.faces} >= {"clahe", "align"}


def test_a_change_replaces_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    _, (base, slow, clahe) = load_plan(write_plan(tmp_path))

    assert (base.recipe.epochs, base.recipe.optimizer.learning_rate) == (1, 0.05)
    assert (slow.recipe.optimizer.learning_rate, slow.recipe.batch_size) == (1e-5, 16)
    assert (clahe.recipe.settings(), clahe.faces) == (base.recipe.settings(), ("clahe",))
    assert [variant.folder for variant in (base, slow, clahe)] == ["base", "a-slow-rate", "clahe"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("set = { batch_sise = 3 }", r"change\[0\]\.set: \$\.batch_sise: got a key this version does not know"),
        ("set = { batch_size = 0 }", r"change\[0\]\.set: \$\.batch_size: got 0"),
        ("set = { batch_size = 16 }", "got what the base has already"),
        ("", "got what the base has already"),
        ('faces = ["sharpen"]', r"\$\.change"),
        ('set = { batch_size = 8 }\n[[change]]\nname = "x!"\nset = { batch_size = 4 }', "two called 'x'"),
        ("set = { phases = [] }", "phases: got none"),
        ("set = { seed = 5 }", r"change\[0\]\.set\.seed: got 5, expected nothing\. Name seeds at the top"),
        ("set = { channels = 3 }", r"change\[0\]\.set\.channels: got 3, expected nothing"),
        ('set = { model = "edgy" }', r"change\[0\]\.set\.model: got 'edgy', expected one of .*edge-tiny"),
    ],
)
def test_a_mistake_in_a_plan_is_reported_before_anything_is_trained(tmp_path: Path, change: str, message: str) -> None:
    plan = PLAN.split("[[change]]")[0] + f'[[change]]\nname = "x"\n{change}\n'
    with pytest.raises(AgentError, match=message):
        load_plan(write_plan(tmp_path, plan))


@pytest.mark.parametrize(
    ("seeds", "message"), [("[1, 1]", "seeds: got 1, 1, expected each once"), ("[1, -1]", "seeds")]
)
def test_seeds_of_a_plan_are_different_and_usable(tmp_path: Path, seeds: str, message: str) -> None:
    plan = re.sub(r"seeds = \[.*\]", f"seeds = {seeds}", PLAN)
    with pytest.raises(ConfigError, match=message):
        load_plan(write_plan(tmp_path, plan))


def test_a_plan_without_changes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="change"):
        load_plan(write_plan(tmp_path, PLAN.split("[[change]]")[0]))


def test_an_unknown_plan_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"ablation: got 'edgy', expected one of .*edge"):
        load_plan("edgy")


def answers(*shares: float, count: int = 4000, seed: int = 0) -> list[NDArray[np.bool_]]:
    random = np.random.default_rng(seed)
    return [random.random(count) < share for share in shares]


def test_a_clear_gain_is_a_gain_and_a_clear_loss_a_loss() -> None:
    base, better, worse = effects(
        {
            "base": answers(0.65, 0.651),
            "better": answers(0.75, 0.751, seed=1),
            "worse": answers(0.55, 0.551, seed=2),
            "same": answers(0.65, 0.65, seed=3),
        }
    )[:3]

    assert (base.gain, base.margin) == (0.0, None)
    assert better.verdict == "gain"
    assert worse.verdict == "loss"


def test_a_gain_smaller_than_its_interval_is_called_that() -> None:
    effect = effects({"base": answers(0.65, 0.65), "change": answers(0.655, 0.655, seed=1)})[1]
    assert effect.verdict == "smaller than its interval"


def test_scatter_over_seeds_widens_the_interval() -> None:
    steady = effects({"base": answers(0.6, 0.6, 0.6), "change": answers(0.7, 0.7, 0.7, seed=1)})[1]
    restless = effects({"base": answers(0.5, 0.6, 0.7), "change": answers(0.6, 0.7, 0.8, seed=1)})[1]

    assert steady.margin is not None
    assert restless.margin is not None
    assert restless.margin > 3 * steady.margin


def test_the_same_answers_by_both_leave_no_chance_of_faces() -> None:
    same = answers(0.6)[0]
    effect = effects({"base": [same, same], "change": [same, same]})[1]
    assert (effect.gain, effect.margin) == (0.0, 0.0)


def test_one_seed_says_nothing_about_chance() -> None:
    effect = effects({"base": answers(0.6), "change": answers(0.9)})[1]
    assert effect.margin is None
    assert effect.verdict == "chance of training not known"


def test_the_interval_holds_the_true_gain_about_nineteen_times_of_twenty() -> None:
    random = np.random.default_rng(4)
    held = 0
    for trial in range(200):
        drawn = {
            name: answers(*(share + random.normal(0, 0.01, 2)), count=1000, seed=10 * trial + number)
            for number, (name, share) in enumerate({"base": 0.6, "a": 0.63, "b": 0.6, "c": 0.6}.items())
        }
        effect = effects(drawn)[1]
        assert effect.margin is not None
        held += abs(effect.gain - 0.03) <= effect.margin
    assert held >= 180


def test_a_table_shows_what_was_changed_its_effect_and_over_how_many_seeds() -> None:
    text = to_markdown("A try", effects({"base": answers(0.6, 0.6), "other": answers(0.9, 0.9, seed=1)}))
    assert text.startswith("# A try\n")
    assert "| other  |     2 |" in text
    assert "gain" in text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of faces in folders, and beside them a plan of one change and two seeds."""
    folder = tmp_path_factory.mktemp("ablation")
    faces = bright_halves(60)
    for number, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
        write_face(folder / "data" / faces.classes[label] / f"{number}.png", image)
    head, _, clahe = PLAN.split("[[change]]")
    write_plan(folder, f"{head}[[change]]{clahe}")
    return folder


def ablate(monkeypatch: pytest.MonkeyPatch, folder: Path) -> int:
    words = ["train", "ablate", folder / "plan.toml", "--data", folder / "data", "--out", folder / "out"]
    monkeypatch.setattr("sys.argv", [*map(str, words)])
    with pytest.raises(SystemExit) as left:
        commands.main()
    return int(left.value.code or 0)


def test_every_variant_is_trained_once_and_an_interrupted_ablation_continues(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ablate(monkeypatch, folder) == 0
    first = capsys.readouterr()
    trained = [line for line in first.err.splitlines() if ", seed " in line]
    assert trained == ["base, seed 1", "CLAHE, seed 1", "base, seed 2", "CLAHE, seed 2"]
    assert "| CLAHE" in first.out

    (folder / "out" / "clahe" / "seed-2" / "answers.json").unlink()
    finished = {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("model.keras")}
    assert ablate(monkeypatch, folder) == 0
    second = capsys.readouterr()

    assert [line for line in second.err.splitlines() if ", seed " in line] == ["CLAHE, seed 2"]
    assert len(finished) == 4
    assert {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("model.keras")} == finished
    assert second.out == first.out
    assert (folder / "out" / "ablation.md").read_text().strip() == second.out.strip()

    plain, even = (RunDir(folder / "out" / name / "seed-1").record() for name in ("base", "clahe"))
    assert even.data == f"{plain.data}, clahe"
    assert even.fingerprint != plain.fingerprint == load(folder / "data").fingerprint()
    assert (plain.recipe.seed, plain.recipe.epochs) == (1, 1)


def test_a_table_that_cannot_be_written_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_plan(tmp_path)
    for number, image in enumerate(bright_halves(20).images):
        write_face(tmp_path / "data" / ("left", "right")[number % 2] / f"{number}.png", image)
    monkeypatch.setattr("train.ablation.runner.read_predictions", lambda *_: np.zeros(2, np.int64))
    (tmp_path / "out" / "ablation.md").mkdir(parents=True)
    assert ablate(monkeypatch, tmp_path) == NotWritten.exit_code
    assert "ablation.md: got " in capsys.readouterr().err


@pytest.mark.parametrize("kept", ["answers.json", "model.keras"])
def test_predictions_of_another_plan_are_not_taken_for_this_ones(
    kept: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ablate(monkeypatch, folder) == 0
    capsys.readouterr()
    shutil.copytree(folder / "out", tmp_path / "out")
    if kept == "model.keras":
        for answers in (tmp_path / "out").rglob("answers.json"):
            answers.unlink()
    plan = write_plan(
        tmp_path,
        PLAN.split("[[change]]")[0].replace("epochs = 1", "epochs = 2")
        + '[[change]]\nname = "CLAHE"\nfaces = ["clahe"]\n',
    )
    monkeypatch.setattr(
        "sys.argv", ["train", "ablate", plan, "--data", str(folder / "data"), "--out", str(tmp_path / "out")]
    )
    with pytest.raises(SystemExit) as left:
        commands.main()
    assert left.value.code == InputError.exit_code
    assert "base/seed-1: it was trained with another recipe than the plan has now" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "plan", "message", "code"),
    [
        ("--from", PLAN, "got nothing there", InputError.exit_code),
        (
            "--teacher",
            PLAN.replace("[set]", "[set]\nteaching = { weight = 0.5 }"),
            "no such file",
            ModelError.exit_code,
        ),
    ],
)
def test_a_model_for_initial_weights_or_distillation_that_is_missing_is_reported(
    option: str,
    plan: str,
    message: str,
    code: int,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["train", "ablate", write_plan(tmp_path, plan), "--data", str(folder / "data")]
    absent = str(tmp_path / "none.tflite")
    monkeypatch.setattr("sys.argv", [*words, "--out", str(tmp_path / "out"), option, absent])
    with pytest.raises(SystemExit) as left:
        commands.main()
    assert left.value.code == code
    assert f"{absent}: {message}" in capsys.readouterr().err


def test_weights_that_a_variant_needs_are_asked_for_before_anything_is_trained(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = write_plan(tmp_path, PLAN.replace('["clahe"]', '["align"]'))
    out = tmp_path / "out"
    monkeypatch.setenv("EDGE_AGENT_DATA", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["train", "ablate", plan, "--data", str(folder / "data"), "--out", str(out)])
    with pytest.raises(SystemExit) as left:
        commands.main()
    assert left.value.code == InputError.exit_code
    assert "align: got no weights of YuNet" in capsys.readouterr().err
    assert not out.exists()


def test_a_variant_with_teachers_asks_for_them_before_anything_is_trained(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taught = '[[change]]\nname = "taught"\nset = { teaching = { weight = 0.5 } }\n'
    plan = write_plan(tmp_path, PLAN.split("[[change]]")[0] + taught)
    out = tmp_path / "out"
    monkeypatch.setattr("sys.argv", ["train", "ablate", plan, "--data", str(folder / "data"), "--out", str(out)])
    with pytest.raises(SystemExit) as left:
        commands.main()
    assert left.value.code == InputError.exit_code
    said = capsys.readouterr().err
    assert "variant 'taught': got no teacher, expected a model bundle. Name it with --teacher" in said
    assert not out.exists()


def test_a_folder_is_not_continued_with_another_recipe(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = folder / "plan.toml"
    run = RunDir(tmp_path / "out" / "base" / "seed-1")
    record = RunRecord(
        recipe=load_plan(str(plan))[1][0].recipe,
        data="",
        fingerprint="other",
        protocol="",
        protocol_note="",
        classes=(),
        images={},
        parameters=1,
        macs=1,
        git_revision="",
        versions={},
        started_at="",
    )
    run.create(record)
    monkeypatch.setattr(
        "sys.argv", ["train", "ablate", str(plan), "--data", str(folder / "data"), "--out", str(tmp_path / "out")]
    )
    with pytest.raises(SystemExit) as left:
        commands.main()
    assert left.value.code == 3
    assert "data, sha256: got " in capsys.readouterr().err
