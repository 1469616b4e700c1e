"""The device's record of declarations."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.errors import ConfigError
from edge_agent.privacy.declarations import FILE, hash_of, record_declaration
from edge_agent.privacy.policy import Declaration

SCHOOL = Declaration("CH", "education", "consent", "M. Brown, head of school")
DEVICE = "north/pi-3a"


def entries(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / FILE).read_text(encoding="utf-8").splitlines()]


def test_a_declaration_is_recorded_once_with_when_what_and_hash(tmp_path: Path) -> None:
    first = record_declaration(SCHOOL, DEVICE, tmp_path / "new", "2026-11-22T09:00:00.000Z")
    again = record_declaration(SCHOOL, DEVICE, tmp_path / "new", "2026-11-23T09:00:00.000Z")
    assert again == first
    (entry,) = entries(tmp_path / "new")
    assert entry["at"] == "2026-11-22T09:00:00.000Z"
    assert (entry["declared_by"], entry["legal_basis"], entry["hash"]) == (SCHOOL.declared_by, "consent", first.hash)


def test_every_change_is_recorded_and_nothing_before_it_is_touched(tmp_path: Path) -> None:
    declarations = [SCHOOL, replace(SCHOOL, legal_basis="safety"), replace(SCHOOL, declared_by="J. Smith"), SCHOOL]
    before = b""
    for declaration in declarations:
        record_declaration(declaration, DEVICE, tmp_path, "2026-11-22T09:00:00.000Z")
        now = (tmp_path / FILE).read_bytes()
        assert now.startswith(before)
        before = now
    assert [entry["legal_basis"] for entry in entries(tmp_path)] == ["consent", "safety", "consent", "consent"]
    assert len({entry["hash"] for entry in entries(tmp_path)}) == 4


def test_devices_that_share_a_folder_have_each_their_own_last_entry(tmp_path: Path) -> None:
    for _ in range(2):
        for device in (DEVICE, "north/pi-3b"):
            record_declaration(SCHOOL, device, tmp_path, "2026-11-22T09:00:00.000Z")
    assert [entry["device"] for entry in entries(tmp_path)] == [DEVICE, "north/pi-3b"]


def test_the_hash_can_be_checked_with_the_record_and_not_guessed_without(tmp_path: Path) -> None:
    one = record_declaration(SCHOOL, DEVICE, tmp_path / "one", "2026-11-22T09:00:00.000Z")
    two = record_declaration(SCHOOL, DEVICE, tmp_path / "two", "2026-11-22T09:00:00.000Z")
    assert one.hash == hash_of(SCHOOL, one.salt)
    assert one.hash != hash_of(replace(SCHOOL, declared_by="J. Smith"), one.salt)
    assert len(bytes.fromhex(one.salt)) == 32
    assert one.hash != two.hash  # so no table of hashed names helps anyone


def test_the_record_is_for_its_owner_alone(tmp_path: Path) -> None:
    record_declaration(SCHOOL, DEVICE, tmp_path, "2026-11-22T09:00:00.000Z")
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_line_torn_by_a_power_cut_costs_nothing_else(tmp_path: Path) -> None:
    record_declaration(SCHOOL, DEVICE, tmp_path, "2026-11-22T09:00:00.000Z")
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"at":"2026-11-2')
    record_declaration(replace(SCHOOL, legal_basis="safety"), DEVICE, tmp_path, "2026-11-23T09:00:00.000Z")
    lines = (tmp_path / FILE).read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[2])["legal_basis"] == "safety"
    record_declaration(replace(SCHOOL, legal_basis="safety"), DEVICE, tmp_path, "2026-11-24T09:00:00.000Z")
    assert len((tmp_path / FILE).read_text(encoding="utf-8").splitlines()) == 3


def test_an_entry_changed_by_hand_does_not_count(tmp_path: Path) -> None:
    record_declaration(SCHOOL, DEVICE, tmp_path, "2026-11-22T09:00:00.000Z")
    (tmp_path / FILE).write_text((tmp_path / FILE).read_text().replace("consent", "safety"))
    record_declaration(replace(SCHOOL, legal_basis="safety"), DEVICE, tmp_path, "2026-11-23T09:00:00.000Z")
    assert len(entries(tmp_path)) == 2


def test_a_record_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="the declaration cannot be recorded"):
        record_declaration(SCHOOL, DEVICE, tmp_path / "file", "2026-11-22T09:00:00.000Z")
