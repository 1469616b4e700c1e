"""What the installer refuses, and in which words. The whole walk needs root: tests/deploy/in_clean_root.sh."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dashboard.settings import load_dashboard_settings
from edge_agent.config_file import load_settings
from edge_agent.errors import ConfigError
from edge_agent.privacy.policy import permit

DEPLOY = Path(__file__).parents[2] / "deploy"
SCRIPTS = sorted([*DEPLOY.rglob("*.sh"), *Path(__file__).parent.glob("*.sh")])
SUITABLE = {
    "uname": "echo aarch64",
    "dpkg": "echo arm64",
    "python3": "echo 3.11",
    "df": "echo header; echo /dev/root 30000 1000 29000 4% /",
    "id": "echo 1000",
    "getent": "exit 2",
}


class Machine:
    """A machine of one's choice, as the installer sees it: programs that answer like the real ones."""

    def __init__(self, folder: Path, **programs: str) -> None:
        self._folder = folder
        for name, script in {**SUITABLE, **programs}.items():
            program = folder / name
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
        self.os_release = folder / "os-release"
        self.os_release.write_text('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n')

    def run(self, *arguments: str, script: str = "install.sh") -> subprocess.CompletedProcess[str]:
        """Run one of the scripts there."""
        # The system's own Python is taken unless one is named.
        named = ["--python", "python3"] if script == "install.sh" else []
        environ = {
            **os.environ,
            "PATH": f"{self._folder}:{os.environ['PATH']}",
            "EDGE_AGENT_OS_RELEASE": str(self.os_release),
        }
        return subprocess.run(
            ["/bin/sh", str(DEPLOY / script), *named, *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )


def test_a_suitable_machine_is_called_so(tmp_path: Path) -> None:
    done = Machine(tmp_path).run("--check")
    assert (done.returncode, done.stdout) == (0, "This machine is suitable.\n")


@pytest.mark.parametrize(
    ("programs", "cause", "remedy"),
    [
        ({"python3": "echo 3.9"}, "Python 3.9 is too old", "Debian 12"),
        ({"python3": "echo 3.15"}, "Python 3.15 is too new", "--python"),
        ({"python3": "exit 1"}, "does not run", "--python"),
        ({"uname": "echo armv7l", "dpkg": "echo armhf"}, "32-bit ARM", "64-bit Raspberry Pi OS"),
        ({"dpkg": "echo armhf"}, "32-bit ARM", "64-bit Raspberry Pi OS"),
        ({"uname": "echo riscv64", "dpkg": "echo riscv64"}, "riscv64", "64-bit ARM"),
        ({"df": "echo header; echo /dev/root 30000 29900 100 99% /"}, "100 MB free", "apt-get clean"),
        (
            {"python3": "echo 3.12 /opt/venv /home/pi/.pyenv/versions/3.12"},
            "which the service cannot see",
            "/usr/local",
        ),
        ({"getent": "echo edge-agent:x:1000:1000::/home/edge-agent:/bin/sh"}, "not the agent's", "usermod --login"),
        ({"getent": '[ "$1" = group ] && echo edge-agent:x:1000:eve'}, "with the members eve", "groupmod"),
    ],
    ids=[
        "old Python",
        "new Python",
        "broken Python",
        "32-bit",
        "32-bit userland",
        "other processor",
        "full disk",
        "a Python at home",
        "a person of that name",
        "a group of that name",
    ],
)
def test_an_unsuitable_machine_is_refused_with_the_remedy(
    tmp_path: Path, programs: dict[str, str], cause: str, remedy: str
) -> None:
    done = Machine(tmp_path, **programs).run("--check")
    assert done.returncode == 1
    assert cause in done.stderr
    assert remedy in done.stderr


def test_another_distribution_is_refused(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.os_release.write_text('ID="fedora"\n')
    done = machine.run("--check")
    assert done.returncode == 1
    assert "'fedora '" in done.stderr


@pytest.mark.parametrize("text", ["ID=raspbian\nID_LIKE=debian\n", 'ID=ubuntu\nID_LIKE="debian"\n'])
def test_kin_of_debian_are_welcome(tmp_path: Path, text: str) -> None:
    machine = Machine(tmp_path)
    machine.os_release.write_text(text)
    assert machine.run("--check").returncode == 0


def test_a_user_of_the_installers_own_is_no_person(tmp_path: Path) -> None:
    own = "echo edge-agent:x:999:999::/var/lib/edge-agent:/usr/sbin/nologin"
    assert Machine(tmp_path, getent=own).run("--check").returncode == 0


def test_what_is_installed_does_not_hang_on_who_installs() -> None:
    script = f'umask 077; . {DEPLOY}/common.sh; umask; echo "$PATH"; env'
    poor = {"PATH": "/usr/bin:/bin", "PYTHONPATH": "/src", "PIP_TARGET": "/tmp"}
    done = subprocess.run(["/bin/sh", "-c", script], env=poor, capture_output=True, text=True, check=True)
    mask, path, *environ = done.stdout.splitlines()
    assert mask == "0022"
    assert "/usr/sbin" in path.split(":")
    assert not [line for line in environ if line.startswith(("PYTHONPATH", "PIP_TARGET"))]


@pytest.mark.parametrize("script", ["install.sh", "uninstall.sh"])
def test_root_is_asked_for(tmp_path: Path, script: str) -> None:
    done = Machine(tmp_path).run(script=script)
    assert done.returncode == 1
    assert "sudo" in done.stderr


def test_a_folder_that_is_no_wheelhouse_is_refused(tmp_path: Path) -> None:
    done = Machine(tmp_path).run("--offline", str(tmp_path))
    assert done.returncode == 1
    assert "make-wheelhouse.sh" in done.stderr


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("install.sh", ["--bogus"]),
        ("install.sh", ["--offline"]),
        ("uninstall.sh", ["--bogus"]),
        ("make-wheelhouse.sh", []),
        ("make-wheelhouse.sh", ["house", "--arch", "armv7l"]),
        ("make-wheelhouse.sh", ["house", "--python", "3.9"]),
        ("make-wheelhouse.sh", ["house", "--page", "--python", "3.10"]),
        ("dashboard/install.sh", ["--offline"]),
    ],
)
def test_wrong_arguments_get_the_usage(tmp_path: Path, script: str, arguments: list[str]) -> None:
    done = Machine(tmp_path).run(*arguments, script=script)
    assert done.returncode == 2
    assert "Usage:" in done.stderr


def test_the_page_is_installed_from_no_folder_but_a_wheelhouse_of_its_own(tmp_path: Path) -> None:
    for folder in (tmp_path / "none", tmp_path):
        done = Machine(tmp_path).run("--offline", str(folder), script="dashboard/install.sh")
        assert done.returncode == 1
        assert "make-wheelhouse.sh DIR --page" in done.stderr
    for kind, other in (("dashboard/requirements.lock", []), ("requirements.lock", ["--page"])):
        house = tmp_path / f"house{len(other)}"
        (house / kind).parent.mkdir(parents=True)
        (house / kind).touch()
        done = Machine(tmp_path).run(str(house), *other, script="make-wheelhouse.sh")
        assert done.returncode == 1
        assert "no wheelhouse of this kind" in done.stderr


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("shellcheck is not installed (Debian: apt install shellcheck)")
    done = subprocess.run([program, str(script)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_the_example_configuration_is_valid_and_asks_for_little() -> None:
    settings = load_settings(DEPLOY / "agent.example.toml")
    assert settings.privacy.level == "summary"
    assert settings.outbox.path.startswith("/var/lib/edge-agent/")


def test_the_example_configuration_answers_no_question_for_the_operator() -> None:
    settings = load_settings(DEPLOY / "agent.example.toml")
    with pytest.raises(ConfigError, match="got no jurisdiction, no setting, no legal_basis, no declared_by"):
        permit(settings.camera, settings.policy)


@pytest.mark.parametrize("name", ["requirements.lock", "build.lock"])
def test_locks_pin_everything_by_hash_and_name_no_index(name: str) -> None:
    text = (DEPLOY / name).read_text()
    pins = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    assert pins
    assert all("==" in pin and pin.endswith("\\") for pin in pins)
    assert "://" not in text


def test_the_pages_example_settings_are_good() -> None:
    load_dashboard_settings(DEPLOY / "dashboard" / "dashboard.example.toml")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--nonsense",), "--nonsense: no such option"),
        (("--purge",), "--purge: only with --remove"),
        (("--python",), "--python: a value is missing"),
        ((), "this needs root"),
    ],
)
def test_the_pages_installer_refuses_what_it_cannot_do(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = Machine(tmp_path).run(*arguments, script="dashboard/install.sh")
    assert done.returncode != 0
    assert said in done.stderr
