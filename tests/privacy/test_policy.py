"""Which cameras may start under which declaration."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.config import CameraSettings, PolicySettings
from edge_agent.errors import ConfigError
from edge_agent.privacy.policy import SETTINGS, Declaration, permit

LIVE = (
    CameraSettings(source="v4l2"),
    CameraSettings(source="csi"),
    CameraSettings(source="rtsp", url="rtsp://camera/stream"),
)
EUROPEAN = """
    AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO EU EEA
    eu de EL DE-BY ES-CN GP AX
"""
ELSEWHERE = ["CH", "GB", "UK", "US", "US-CA", "NZ", "RS", "TR", "GE"]


def declared(jurisdiction: str, setting: str, basis: str, by: str = "M. Brown, head of school") -> PolicySettings:
    return PolicySettings(jurisdiction=jurisdiction, setting=setting, legal_basis=basis, declared_by=by)


@pytest.mark.parametrize("camera", LIVE, ids=lambda camera: camera.source)
@pytest.mark.parametrize("jurisdiction", EUROPEAN.split())
@pytest.mark.parametrize("setting", ["education", "workplace", "Education "])
def test_europe_at_school_and_at_work_needs_a_medical_or_safety_basis(
    camera: CameraSettings, jurisdiction: str, setting: str
) -> None:
    for basis in ("medical", "safety", "Medical"):
        assert permit(camera, declared(jurisdiction, setting, basis)) is not None
    for basis in ("consent", "public_task", "legitimate interest", "research", "medicine", "safety_and_teaching"):
        with pytest.raises(ConfigError, match=r"Art\. 5\(1\)\(f\) of Regulation \(EU\) 2024/1689") as caught:
            permit(camera, declared(jurisdiction, setting, basis))
        assert "medical or safety" in str(caught.value)


@pytest.mark.parametrize(
    ("jurisdiction", "setting"),
    [
        *((place, setting) for place in ELSEWHERE for setting in SETTINGS),
        *(("DE", setting) for setting in SETTINGS if setting not in ("education", "workplace")),
    ],
)
def test_what_the_act_does_not_forbid_starts_once_declared(jurisdiction: str, setting: str) -> None:
    assert permit(LIVE[0], declared(jurisdiction, setting, "consent")) is not None


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (PolicySettings(), ["no jurisdiction, no setting, no legal_basis, no declared_by", 'jurisdiction = "<']),
        (declared("", "education", "medical"), ["got no jurisdiction, expected", 'jurisdiction = "<country code']),
        (declared("CH", " ", "medical"), ["got no setting, expected", "education | workplace"]),
        (declared("CH", "education", ""), ["got no legal_basis, expected", 'legal_basis = "<consent']),
        (declared("CH", "education", "medical", "\t"), ["got no declared_by, expected", 'declared_by = "<name']),
        (declared("Germany", "education", "medical"), ['got jurisdiction "Germany"']),
        (declared("XX", "education", "medical"), ['got jurisdiction "XX"']),
        (declared("US-XX", "education", "medical"), ['got jurisdiction "US-XX"']),
        (declared("DE-BAY", "education", "medical"), ['got jurisdiction "DE-BAY"']),
        (declared("CH", "school", "medical"), ['got setting "school"']),
        (declared("CH", "education", "§ 3 (1)"), ['got legal_basis "§ 3 (1)"']),
        (declared("CH", "education", "x" * 41), ['got legal_basis "xxx']),
        (declared("CH", "education", "medical", "---"), ['got declared_by "---"']),
        (declared("ＤＥ", "education", "consent"), ['got jurisdiction "ＤＥ"']),
    ],
)
def test_what_is_missing_or_not_understood_is_named_with_how_to_write_it(
    policy: PolicySettings, expected: list[str]
) -> None:
    for camera in LIVE:
        with pytest.raises(ConfigError) as caught:
            permit(camera, policy, "agent.toml")
        message = str(caught.value)
        assert message.startswith("agent.toml: $.policy: got ")
        assert f"a live camera ({camera.source})" in message
        assert "[policy]" in message
        assert "\n" not in message
        for words in expected:
            assert words in message


@pytest.mark.parametrize("source", ["simulated", "image", "video"])
@pytest.mark.parametrize("policy", [PolicySettings(), declared("DE", "education", "consent"), declared("?", "", "")])
def test_drawings_and_recordings_need_no_declaration(source: str, policy: PolicySettings) -> None:
    assert permit(CameraSettings(source=source), policy) is None  # type: ignore[arg-type]


def test_a_declaration_is_spelt_in_one_way() -> None:
    assert permit(LIVE[0], declared(" us-ca", "HOME", "Explicit  Consent", " M.  Brown ")) == Declaration(
        "US-CA", "home", "explicit_consent", "M. Brown"
    )


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_no_answer_whatever_lets_an_undeclared_camera_start(place: str, setting: str, basis: str, by: str) -> None:
    try:
        found = permit(LIVE[0], declared(place, setting, basis, by))
    except ConfigError:
        return
    assert found is not None
    assert all((found.jurisdiction, found.setting in SETTINGS, found.legal_basis.isascii(), found.declared_by))


@pytest.mark.parametrize(
    ("key", "written", "suggested"),
    [
        ("jurisdiction", "Switzerland", "CH"),
        ("jurisdiction", "Österreich", "AT"),
        ("jurisdiction", "the Netherlands", "NL"),
        ("jurisdiction", "U.S.A.", "US"),
        ("jurisdiction", "Europe", "EU"),
        ("setting", "school", "education"),
        ("setting", "Classrooms", "education"),
        ("setting", "primary school", "education"),
        ("setting", "office", "workplace"),
        ("setting", "hospital", "healthcare"),
    ],
)
def test_a_word_of_everyday_is_answered_with_the_one_wanted(key: str, written: str, suggested: str) -> None:
    answers = {"jurisdiction": "CH", "setting": "other", "legal_basis": "consent", "declared_by": "A. Tester"}
    policy = PolicySettings(**{**answers, key: written})
    with pytest.raises(ConfigError, match=f'{key} = "{suggested}"'):
        permit(CameraSettings(source="v4l2"), policy)
