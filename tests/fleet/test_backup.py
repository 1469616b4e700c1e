"""A school's authority in a backup, and back from it, with what can go wrong on the way."""

from __future__ import annotations

import io
import stat
import tarfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge_agent.device.probe import probe_broker
from edge_agent.enrol.certificates import make_signing_request, new_key
from edge_agent.enrol.requests import Request
from edge_agent.errors import BrokerError, InputError
from fleet.access import applied_topic
from fleet.backup import pack, unpack
from fleet.backup_cli import backup, restore
from fleet.cli import apply, list_devices
from fleet.model_key import PUBLISHED, model_key
from fleet.register import School, new_identity
from fleet.school import Fleet
from tests.fleet.conftest import SchoolUnderTest
from tests.support.broker import free_port

NOW = datetime(2026, 11, 22, 9, tzinfo=timezone.utc)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A fleet with one device, whose broker does not run."""
    school = School(
        name="North",
        root="classroom",
        hosts=("localhost",),
        port=free_port(),
        broker_folder=str(tmp_path / "broker"),
        reload=("true",),
        reader=new_identity("fleet"),
    )
    founded = Fleet.create(tmp_path / "fleet", school, NOW)
    request = Request(root="classroom", site="school", device="a", csr=make_signing_request(new_key(), "a"))
    return founded.add(request, "request", NOW)[0]


def held(folder: Path) -> dict[str, bytes]:
    """A folder's files by name."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_what_is_restored_is_what_was_backed_up(fleet: Fleet, tmp_path: Path) -> None:
    (fleet.folder / "models").mkdir()
    (fleet.folder / "models" / "one.tflite").write_bytes(b"bundle")
    (fleet.folder / "acl.local").write_text("user somebody\n")
    archive = tmp_path / "backup.tar.gz"
    backup(archive, fleet.folder)
    restore(archive, folder=tmp_path / "again")
    assert held(tmp_path / "again") == held(fleet.folder)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "again").stat().st_mode) == 0o700
    assert {stat.S_IMODE(key.stat().st_mode) for key in (tmp_path / "again").glob("*.key")} == {0o600}


def test_a_fleet_is_never_restored_over_another(fleet: Fleet) -> None:
    before = held(fleet.folder)
    with pytest.raises(InputError, match=r"something is here already.*Move it away first"):
        unpack(pack(fleet.folder), "backup", fleet.folder)
    assert held(fleet.folder) == before


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_an_archive_that_is_cut_off_leaves_nothing_behind(fleet: Fleet, tmp_path: Path, share: float) -> None:
    content = pack(fleet.folder)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="Take another copy of the backup"):
        unpack(content[: int(len(content) * share)], "backup", tmp_path / "again")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_flipped_bit_is_noticed(fleet: Fleet, tmp_path: Path, share: float) -> None:
    content = bytearray(pack(fleet.folder))
    content[int(len(content) * share)] ^= 4
    with pytest.raises(InputError, match=r"^backup: "):
        unpack(bytes(content), "backup", tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("name", ["register.json", "ca.key", "ca.crt", "reader.key"])
def test_an_archive_that_lacks_something_is_refused(fleet: Fleet, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"backup.*(no fleet here|no such file)"):
        unpack(
            archive_of({file: content for file, content in held(fleet.folder).items() if file != name}),
            "backup",
            tmp_path / "again",
        )
    assert not (tmp_path / "again").exists()


def test_an_archive_that_would_fill_the_memory_is_refused(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet.backup._MAX_BYTES", 1 << 20)
    content = archive_of({**held(fleet.folder), "large": bytes(2 << 20)})
    assert len(content) < 1 << 16
    with pytest.raises(InputError, match="backup: got an archive of more than"):
        unpack(content, "backup", tmp_path / "again")


@pytest.mark.parametrize("name", ["../outside", "/outside", "models/../../outside"])
def test_an_archive_that_reaches_outside_is_refused(fleet: Fleet, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="other files than a fleet's"):
        unpack(archive_of({**held(fleet.folder), name: b"x"}), "backup", tmp_path / "again")


def test_a_check_changes_nothing_and_tells_what_is_in_it(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "backup.tar.gz"
    archive.write_bytes(pack(fleet.folder))
    before = sorted(tmp_path.rglob("*"))
    restore(archive, check=True, folder=fleet.folder)
    assert "whole: North, 1 enrolled device." in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


def test_a_backup_goes_into_no_folder_and_no_device(fleet: Fleet, tmp_path: Path) -> None:
    for place in (tmp_path, Path("/dev/null")):
        with pytest.raises(InputError, match="no file"):
            backup(place, fleet.folder)
    assert Path("/dev/null").is_char_device()


def test_a_backup_where_there_is_no_folder_is_named(fleet: Fleet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere/backup.* cannot be written: No such file or directory"):
        backup(tmp_path / "nowhere" / "backup", fleet.folder)


def test_a_broken_fleet_is_not_backed_up(fleet: Fleet, tmp_path: Path) -> None:
    (fleet.folder / "ca.key").write_bytes(b"")
    with pytest.raises(InputError, match=r"ca\.key"):
        backup(tmp_path / "backup.tar.gz", fleet.folder)
    assert not (tmp_path / "backup.tar.gz").exists()


@pytest.mark.parametrize("content", [b"", b'{"more":' + b"[" * 50_000], ids=["empty", "nested without end"])
def test_a_fleet_with_a_broken_register_is_not_backed_up(fleet: Fleet, tmp_path: Path, content: bytes) -> None:
    (fleet.folder / "register.json").write_bytes(content)
    with pytest.raises(InputError, match=r"register\.json.*Restore the folder from its backup"):
        backup(tmp_path / "backup.tar.gz", fleet.folder)


def test_no_new_key_takes_the_place_of_one_that_models_were_signed_with(fleet: Fleet) -> None:
    (fleet.folder / PUBLISHED).write_text("{}")
    (fleet.folder / "model.key").unlink()
    with pytest.raises(InputError, match="models were published with it"):
        model_key(fleet.folder)


def test_a_restored_register_gives_no_edition_twice(fleet: Fleet) -> None:
    restored = fleet
    later = NOW + timedelta(days=30)
    changed = fleet.revoke(fleet.register.find("a"), later)
    again = restored.apply(later + timedelta(minutes=1))
    assert applied_topic(again.register) != applied_topic(changed.register)
    assert again.register.edition > changed.register.edition


def test_on_a_new_machine_the_broker_gets_everything_it_needs(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "broker").rename(tmp_path / "lost")
    fleet.apply(NOW)
    assert {file.name for file in (tmp_path / "broker").iterdir()} == {
        file.name for file in (tmp_path / "lost").iterdir()
    }


def test_a_broker_that_has_its_key_keeps_it(fleet: Fleet, tmp_path: Path) -> None:
    before = (tmp_path / "broker" / "server.key").read_bytes()
    fleet.apply(NOW)
    assert (tmp_path / "broker" / "server.key").read_bytes() == before


def test_a_broker_that_does_not_run_is_told_from_files_that_are_not_written(fleet: Fleet) -> None:
    with pytest.raises(BrokerError, match=r"files for the broker are written, .*connection refused.*run this again"):
        apply(fleet.folder)


def test_without_a_broker_the_roster_points_to_the_register(fleet: Fleet) -> None:
    with pytest.raises(BrokerError, match="--offline"):
        list_devices(fleet.folder)


def test_a_folder_without_a_fleet_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no fleet here"):
        apply(tmp_path / "nowhere")


def test_a_running_broker_goes_by_what_was_restored(school: SchoolUnderTest, tmp_path: Path) -> None:
    early = school.device("early")
    archive = tmp_path / "backup.tar.gz"
    backup(archive, school.folder)
    late = school.device("late")
    assert "may publish" in probe_broker(late.settings)
    school.folder.rename(tmp_path / "old")
    restore(archive, folder=school.folder)
    apply(school.folder)
    assert "may publish" in probe_broker(early.settings)
    with pytest.raises(BrokerError):
        probe_broker(late.settings)


def archive_of(files: dict[str, bytes]) -> bytes:
    """An archive of one's choice."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()
