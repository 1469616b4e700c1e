"""Files that the settings name: `check`, `run` and `doctor` say alike what is missing, and quote no secret."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.config_file import load_settings
from edge_agent.errors import AgentError, ConfigError, ModelError
from edge_agent.model_format.labels import FER2013
from edge_agent.required_files import check_prior, check_required_files
from edge_agent.system.service_user import User, user_of

SERVICE = User("edge-agent", 64001, frozenset({64001}))


def check(folder: Path, text: str, user: User | None = None) -> list[str]:
    path = folder / "agent.toml"
    path.write_text(text if "[camera]" in text else f'[camera]\nsource = "simulated"\n{text}')
    return check_required_files(load_settings(path), str(path), user)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize(
    ("text", "key", "code"),
    [
        ('[camera]\nsource = "video"\npath = "{gone}"', "camera.path", 4),
        ('[camera]\nsource = "image"\npath = "{gone}"', "camera.path", 4),
        (
            '[camera]\nsource = "rtsp"\nurl = "rtsp://cam/s"\nusername = "a"\npassword_file = "{gone}"',
            "camera.password_file",
            4,
        ),
        ('[mqtt]\nusername = "a"\npassword_file = "{gone}"', "mqtt.password_file", 4),
        ('[mqtt.tls]\nenabled = true\nca = "{gone}"', "mqtt.tls.ca", 4),
        ('[mqtt.tls]\nenabled = true\ncert = "{gone}"\nkey = "{gone}"', "mqtt.tls.cert", 4),
        ('[update]\nkey = "{gone}"', "update.key", 4),
        ('[classifier]\nmodel = "{gone}"', "classifier.model", 5),
        ('[detector]\nkind = "yunet"\nweights = "{gone}"', "detector.weights", 5),
    ],
)
def test_a_file_that_is_not_there_is_named(tmp_path: Path, text: str, key: str, code: int) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(AgentError, match=f"{key} {gone}: no such file") as caught:
        check(tmp_path, text.format(gone=gone))
    assert caught.value.exit_code == code


def test_files_that_are_there_are_found(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("x\n")
    (tmp_path / "class.jpg").write_bytes(b"\xff")
    found = check(
        tmp_path,
        f'[mqtt]\nusername = "a"\npassword_file = "{password}"\n[classifier]\nmodel = "edge-tiny"\n'
        f'[camera]\nsource = "image"\npath = "{tmp_path}"',
    )
    assert found == ["camera.path", "classifier.model", "mqtt.password_file"]


def test_a_folder_is_no_recording_and_an_empty_file_no_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="got a folder, expected a recording"):
        check(tmp_path, f'[camera]\nsource = "video"\npath = "{tmp_path}"')
    (tmp_path / "empty").touch()
    with pytest.raises(ConfigError, match="got an empty first line, expected the password"):
        check(tmp_path, f'[mqtt]\nusername = "a"\npassword_file = "{tmp_path}/empty"')
    with pytest.raises(ConfigError, match=r"mqtt\.tls\.ca"):
        check(tmp_path, f'[mqtt.tls]\nenabled = true\nca = "{tmp_path}/empty"')


@pytest.mark.parametrize(
    ("text", "key", "code"),
    [
        ('[camera]\nsource = "video"\npath = "{empty}"', "camera.path", 4),
        ('[camera]\nsource = "image"\npath = "{empty}"', "camera.path", 4),
        ('[mqtt.tls]\nenabled = true\nca = "{empty}"', "mqtt.tls.ca", 4),
        ('[update]\nkey = "{empty}"', "update.key", 4),
        ('[classifier]\nmodel = "{empty}"', "classifier.model", 5),
        ('[detector]\nkind = "yunet"\nweights = "{empty}"', "detector.weights", 5),
    ],
)
def test_an_empty_file_is_named(tmp_path: Path, text: str, key: str, code: int) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(AgentError, match=rf"{key} {empty}: got an empty file.*correct {key}") as caught:
        check(tmp_path, text.format(empty=empty))
    assert caught.value.exit_code == code


@pytest.mark.parametrize("source", ["video", "image"])
def test_no_path_is_not_the_present_folder(tmp_path: Path, source: str) -> None:
    with pytest.raises(ConfigError, match=r'\$\.camera\.path: got "", expected'):
        check(tmp_path, f'[camera]\nsource = "{source}"\npath = ""')


def test_a_folder_without_pictures_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("x")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "more.png").mkdir()
    with pytest.raises(ConfigError, match=r"camera\.path .*: got a folder without images"):
        check(tmp_path, f'[camera]\nsource = "image"\npath = "{tmp_path}"')


@pytest.mark.parametrize("secret", ["Moon77Secret", "Blue/Moon77Secret", "admin:Moon77Secret@cam"])
@pytest.mark.parametrize("table", ["camera", "mqtt"])
def test_a_password_in_the_place_of_its_file_is_not_quoted(tmp_path: Path, secret: str, table: str) -> None:
    named = f'username = "a"\npassword_file = "{secret}"'
    camera = f'[camera]\nsource = "rtsp"\nurl = "rtsp://cam/s"\n{named}' if table == "camera" else f"[mqtt]\n{named}"
    with pytest.raises(ConfigError, match="holds the password alone") as caught:
        check(tmp_path, camera)
    assert "Moon77Secret" not in str(caught.value)


def test_a_file_that_the_service_may_not_read_says_how_to_mend_it(open_folder: Path) -> None:
    password = open_folder / "password"
    password.write_text("x\n")
    password.chmod(0o600)
    text = f'[mqtt]\nusername = "a"\npassword_file = "{password}"'
    with pytest.raises(ConfigError, match=f"edge-agent may not read it.*sudo chgrp edge-agent {password}"):
        check(open_folder, text, SERVICE)
    password.chmod(0o644)
    assert check(open_folder, text, SERVICE) == ["mqtt.password_file"]
    open_folder.chmod(0o700)
    with pytest.raises(ConfigError, match=f"edge-agent may not enter {open_folder}"):
        check(open_folder, text, SERVICE)


def test_rights_go_by_owner_group_and_others(open_folder: Path) -> None:
    file = open_folder / "file"
    file.touch()
    found = file.stat()
    file.chmod(0o640)
    assert User("owner", found.st_uid or 0, frozenset()).first_unreadable(file) is None
    assert User("group", 64001, frozenset({found.st_gid})).first_unreadable(file) is None
    assert SERVICE.first_unreadable(file) == file
    file.chmod(0o604)
    assert User("group", 64001, frozenset({found.st_gid})).first_unreadable(file) == file


def test_settings_of_one_s_own_are_judged_for_who_asks(tmp_path: Path) -> None:
    assert user_of(tmp_path / "agent.toml") is None
    assert user_of(None) is None


SEVEN = "".join(f"{label} = 0.143\n" for label in FER2013)


def prior_fits(folder: Path, text: str) -> bool:
    path = folder / "agent.toml"
    path.write_text(f'[camera]\nsource = "simulated"\n{text}')
    return check_prior(load_settings(path), str(path))


@pytest.mark.parametrize("model", ["", '[classifier]\nmodel = "edge-tiny"\n'])
def test_shares_for_a_prior_are_compared_with_the_labels_of_the_model(tmp_path: Path, model: str) -> None:
    assert prior_fits(tmp_path, model)
    assert prior_fits(tmp_path, f"{model}[classifier.prior]\n{SEVEN}")
    with pytest.raises(ConfigError, match=r"agent\.toml: \$\.classifier\.prior: got a share for Happy and none"):
        prior_fits(tmp_path, f"{model}[classifier.prior]\n{SEVEN}".replace("happy", "Happy"))


def test_shares_for_a_model_that_a_school_has_yet_to_publish_are_no_mistake(tmp_path: Path) -> None:
    of_others = "[classifier.prior]\ncalm = 0.7\ntense = 0.3\n"
    key = '[update]\nkey = "/etc/edge-agent/models.pub"\n'
    assert not prior_fits(tmp_path, key + of_others)
    with pytest.raises(ConfigError, match="got a share for calm, tense and none for angry"):
        prior_fits(tmp_path, f'{key}[classifier]\nmodel = "edge-tiny"\n{of_others}')


def test_a_model_that_is_none_is_named_where_its_labels_are_needed(tmp_path: Path) -> None:
    model = tmp_path / "model.tflite"
    model.write_bytes(b"nothing")
    with pytest.raises(ModelError, match=str(model)):
        prior_fits(tmp_path, f'[classifier]\nmodel = "{model}"\n[classifier.prior]\n{SEVEN}')
