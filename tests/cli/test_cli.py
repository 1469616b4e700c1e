"""The command line as a user meets it: every command in a process of its own."""

from __future__ import annotations

import json
import pkgutil
from pathlib import Path

import cv2
import pytest

from edge_agent import __version__, cli
from edge_agent.simulate import draw_face
from tests.support.commands import edge_agent


@pytest.fixture
def happy(tmp_path: Path) -> Path:
    path = tmp_path / "happy.png"
    cv2.imwrite(str(path), draw_face("happy", 1.0, 3, 320).image)
    return path


def test_classify_finds_a_face_and_reads_it(happy: Path) -> None:
    result = edge_agent("classify", happy, "--json", "--detector", "haar")
    (face,) = json.loads(result.stdout)["images"][0]["faces"]
    assert result.returncode == 0
    assert face["expression"] == "happy"
    assert sum(face["scores"].values()) == pytest.approx(1.0, abs=0.01)


def test_classify_takes_a_face_crop_as_it_is(tmp_path: Path) -> None:
    portrait = draw_face("happy", 1.0, 3, 320)
    left, top, side = round(portrait.box.left), round(portrait.box.top), round(portrait.box.side)
    path = tmp_path / "crop.png"
    cv2.imwrite(str(path), portrait.image[top : top + side, left : left + side])
    result = edge_agent("classify", path, "--aligned")
    assert result.stdout.startswith(f"{path}: happy")


def test_a_broken_picture_is_named_and_the_others_are_still_read(happy: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    result = edge_agent("classify", broken, happy, "--json", "--detector", "haar")
    images = json.loads(result.stdout)["images"]
    assert result.returncode == 3
    assert f"error: {broken}: got 10 bytes that are no picture, expected a picture such as JPEG or PNG" in result.stderr
    assert "error" in images[0]
    assert len(images[1]["faces"]) == 1


def test_classify_reads_all_pictures_of_a_folder_in_order(happy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("img10.png", "img2.png"):
        (folder / name).write_bytes(happy.read_bytes())
    (folder / "img3.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture")
    result = edge_agent("classify", folder, "--json", "--detector", "haar")
    images = json.loads(result.stdout)["images"]
    assert [Path(image["image"]).name for image in images] == ["img2.png", "img3.jpg", "img10.png"]
    assert "error" in images[1]
    assert len(images[2]["faces"]) == 1
    assert result.returncode == 3
    (tmp_path / "none").mkdir()
    empty = edge_agent("classify", tmp_path / "none", "--detector", "haar")
    assert f"{tmp_path / 'none'}: got a folder without pictures" in empty.stderr
    assert empty.returncode == 3


def test_classify_refuses_pictures_past_the_limit(happy: Path) -> None:
    happy.write_bytes(cv2.imencode(".png", cv2.resize(cv2.imread(str(happy)), (1400, 1400)))[1].tobytes())  # type: ignore[arg-type]
    result = edge_agent("classify", happy, "--max-megapixels", "1", "--detector", "haar")
    assert "a PNG of 1400 x 1400 pixels (2 megapixels), expected at most 1 megapixels" in result.stderr
    assert result.returncode == 3


def test_every_command_says_what_a_better_detector_needs(
    happy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_AGENT_DATA", str(tmp_path / "empty"))
    classified = edge_agent("classify", happy)
    assert classified.stderr.startswith("note: Faces are found by Haar")
    sentence = classified.stderr.strip().removeprefix("note: ")
    assert sentence in edge_agent("doctor", "--preflight").stdout
    assert edge_agent("classify", happy, "--detector", "haar").stderr == ""


def test_check_accepts_a_good_file_and_names_what_is_wrong_in_a_bad_one(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text('[camera]\nsource = "simulated"\n')
    bad.write_text("[camera]\nfps = 0\n")
    assert edge_agent("check", good).returncode == 0
    refused = edge_agent("check", bad)
    assert refused.returncode == 4
    assert refused.stderr == f"error: {bad}: $.camera.fps: got 0, expected 1 to 60 (edge-agent {__version__})\n"


def test_a_truncated_model_is_one_line_and_its_own_exit_code(tmp_path: Path, happy: Path) -> None:
    from edge_agent.vision.classifier import BUNDLED_MODEL

    model = tmp_path / "short.tflite"
    model.write_bytes(BUNDLED_MODEL.read_bytes()[:5000])
    result = edge_agent("classify", happy, "--model", model)
    assert result.returncode == 5
    assert result.stderr.count("\n") == 1
    assert str(model) in result.stderr


def test_the_bundled_model_tells_what_it_is() -> None:
    metadata = json.loads(edge_agent("model", "show", "--json").stdout)
    assert metadata["labels"] == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert metadata["quantization"] == "int8"


def test_where_the_model_comes_from_is_shown(tmp_path: Path) -> None:
    from edge_agent.vision.classifier import BUNDLED_MODEL

    config = tmp_path / "agent.toml"
    config.write_text(f'[camera]\nsource = "simulated"\n[classifier]\nmodel = "{BUNDLED_MODEL}"\n')
    assert edge_agent("model", "show").stdout.startswith("source")
    assert "came with the agent" in edge_agent("model", "show").stdout
    assert "classifier.model" in edge_agent("model", "show", "--config", config).stdout
    findings = json.loads(edge_agent("doctor", "--preflight", "--json", "--config", config).stdout)
    assert "named by classifier.model in the settings" in findings[1]["detail"]


def test_a_prior_for_other_labels_is_told_by_every_command_before_the_agent_starts(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text('[camera]\nsource = "simulated"\n[classifier.prior]\ncalm = 0.7\ntense = 0.3\n')
    difference = "got a share for calm, tense and none for angry"
    checked = edge_agent("check", config)
    assert checked.returncode == 4
    assert difference in checked.stderr
    shown = " ".join(edge_agent("model", "show", "--config", config).stdout.split())
    assert "prior in use none: the shares in classifier.prior are of other labels" in shown
    model = json.loads(edge_agent("doctor", "--preflight", "--json", "--config", config).stdout)[1]
    assert not model["ok"]
    assert difference in model["detail"]


def test_a_prior_for_a_model_that_is_yet_to_be_published_does_not_stop_a_device(tmp_path: Path) -> None:
    config, key = tmp_path / "agent.toml", tmp_path / "models.pub"
    key.write_text("a key")
    config.write_text(
        f'[camera]\nsource = "simulated"\n[update]\nkey = "{key}"\n[outbox]\npath = "{tmp_path / "outbox.db"}"\n'
        "[classifier.prior]\ncalm = 0.7\ntense = 0.3\n"
    )
    checked = edge_agent("check", config)
    assert checked.returncode == 0
    assert "note: classifier.prior has shares of other labels than the model that came with the agent" in checked.stderr
    shown = " ".join(edge_agent("model", "show", "--config", config).stdout.split())
    assert "prior in use half: half the way from the shares in training to equal ones. The shares in" in shown
    model = json.loads(edge_agent("doctor", "--preflight", "--json", "--config", config).stdout)[1]
    assert model["ok"]
    assert "The shares in classifier.prior wait for a model of the fleet" in model["detail"]


def test_preflight_works_without_camera_and_broker() -> None:
    result = edge_agent("doctor", "--preflight", "--json")
    findings = json.loads(result.stdout)
    assert result.returncode == 0
    assert [finding["check"] for finding in findings] == ["python", "model", "detector", "storage"]


def test_doctor_says_what_is_missing_and_how_to_mend_it(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text('[camera]\nsource = "video"\npath = "/nowhere.avi"\n[mqtt]\nhost = "127.0.0.1"\nport = 9\n')
    result = edge_agent("doctor", "--config", config)
    assert result.returncode == 1
    assert "FAIL  camera " in result.stdout
    assert "/nowhere.avi" in result.stdout
    assert "FAIL  broker " in result.stdout
    assert "127.0.0.1:9" in result.stdout


def test_doctor_follows_no_link_that_lies_where_it_tries_the_disk(tmp_path: Path) -> None:
    precious, state = tmp_path / "precious", tmp_path / "state"
    precious.write_text("as it was")
    state.mkdir()
    (state / ".edge-agent-doctor").symlink_to(precious)
    config = tmp_path / "agent.toml"
    config.write_text(f'[outbox]\npath = "{state / "outbox.db"}"\n')
    findings = json.loads(edge_agent("doctor", "--preflight", "--json", "--config", config).stdout)
    assert {one["check"]: one["ok"] for one in findings}["storage"]
    assert precious.read_text() == "as it was"


def test_doctor_opens_no_camera_that_was_not_declared(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text('[camera]\nsource = "v4l2"\n[mqtt]\nhost = "127.0.0.1"\nport = 9\n')
    result = edge_agent("doctor", "--config", config)
    assert result.returncode == 1
    assert "FAIL  policy        $.policy: got no jurisdiction" in result.stdout
    assert "  camera " not in result.stdout


def test_doctor_names_a_certificate_that_cannot_be_read(tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="the extra fleet is not installed")
    config = tmp_path / "agent.toml"
    config.write_text(
        '[camera]\nsource = "simulated"\n[mqtt]\nhost = "127.0.0.1"\nport = 9\n'
        f'[mqtt.tls]\nenabled = true\nca = "{tmp_path}/ca.crt"\n'
    )
    result = edge_agent("doctor", "--config", config)
    assert result.returncode == 1
    assert "FAIL  certificates" in result.stdout
    assert f"{tmp_path}/ca.crt" in result.stdout


def test_an_unknown_command_is_a_usage_error() -> None:
    assert edge_agent("dance").returncode == 2


def test_the_small_model_is_named_and_not_searched_for(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text('[camera]\nsource = "simulated"\n[classifier]\nmodel = "edge-tiny"\n')
    shown = edge_agent("model", "show", "--json", "--config", config)
    assert json.loads(shown.stdout)["architecture"] == "edge-tiny"
    assert json.loads(edge_agent("model", "show", "edge-tiny", "--json").stdout) == json.loads(shown.stdout)
    findings = json.loads(edge_agent("doctor", "--preflight", "--json", "--config", config).stdout)
    assert "(edge-tiny)" in findings[1]["detail"]


def test_every_command_is_a_module_of_its_name() -> None:
    modules = {module.name.replace("_", "-") for module in pkgutil.iter_modules(cli.__path__)}
    assert modules - {"--main--", "options", "plain-arguments"} == set(cli.COMMANDS)


def test_a_mistyped_command_is_compared_with_all() -> None:
    assert "Did you mean 'doctor'?" in edge_agent("docter").stderr
