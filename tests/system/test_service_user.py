"""A check that root makes is made with the rights of the service's user."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.errors import InputError
from edge_agent.system.service_user import User, require_readable_program

PROGRAM = (
    "import os, sys\n"
    "from pathlib import Path\n"
    "from edge_agent.system.service_user import become_service_user\n"
    "become_service_user(Path(sys.argv[1]))\n"
    "print(os.getuid(), os.geteuid(), os.getgid(), os.environ['HOME'])\n"
    "try:\n"
    "    os.setuid(0)\n"
    "except PermissionError:\n"
    "    print('for good')\n"
)

ACCOUNT = "edge-agent:x:64123:64123::/var/lib/edge-agent:/usr/sbin/nologin\n"


def run_with_account(tmp_path: Path, config: str) -> str:
    if os.geteuid() != 0:
        pytest.skip("only root can take the place of another user")
    accounts = tmp_path / "passwd"
    accounts.write_text(Path("/etc/passwd").read_text() + ACCOUNT)
    inside = 'mount --bind "$0" /etc/passwd && exec "$1" -c "$2" "$3"'
    command = ["unshare", "--mount", "sh", "-c", inside, str(accounts), sys.executable, PROGRAM, config]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if "mount" in ran.stderr or "unshare" in ran.stderr:
        pytest.skip(f"the accounts cannot be replaced here: {ran.stderr}")
    return ran.stdout


def test_root_takes_the_place_of_the_services_user_for_good(tmp_path: Path) -> None:
    printed = run_with_account(tmp_path, "/etc/edge-agent/agent.toml")
    assert printed == "64123 64123 64123 /var/lib/edge-agent\nfor good\n"


def test_settings_that_are_not_the_services_are_looked_at_as_root(tmp_path: Path) -> None:
    assert run_with_account(tmp_path, f"{tmp_path}/agent.toml").startswith("0 0 0 ")


def test_a_program_that_the_services_user_may_not_read_is_named(tmp_path: Path) -> None:
    """Else all its packages would be called missing."""
    user = User("edge-agent", 64123, frozenset({64123}))
    require_readable_program(user, Path("/usr/bin"))
    packages = tmp_path / "site-packages"
    packages.mkdir(mode=0o700)
    with pytest.raises(InputError, match=r"the service's user edge-agent may not read.*/usr/local/bin/edge-agent"):
        require_readable_program(user, packages)
