"""What is wanted and remembered: decisions without a broker, a model or a clock."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from edge_agent.errors import Rejected
from edge_agent.protocol.model_manifest import ModelManifest
from edge_agent.update import state as states
from edge_agent.update.state import Baseline, Kept, UpdateState

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
AGENT = "0.1.0"


def published(version: int, sha256: str = A, devices: tuple[str, ...] = ()) -> ModelManifest:
    return ModelManifest(version=version, sha256=sha256, size_bytes=1000, devices=devices)


def test_nothing_is_wanted_where_nothing_is_published_for_the_device() -> None:
    assert states.wanted([], "s/a", UpdateState(), AGENT) is None
    assert states.wanted([published(1, devices=("s/b",))], "s/a", UpdateState(), AGENT) is None


def test_the_highest_version_is_wanted_whatever_the_order() -> None:
    three = [published(2, B), published(3, C, ("s/a",)), published(1)]
    assert states.wanted(three, "s/a", UpdateState(), AGENT) == three[1]
    assert states.wanted(three, "s/other", UpdateState(), AGENT) == three[0]


def test_a_lower_version_is_never_wanted_again() -> None:
    state = states.installed(UpdateState(), published(5), "boot")
    found = states.wanted([published(4, B)], "s/a", state, AGENT)
    assert isinstance(found, Rejected)
    assert "older than version 5" in found.reason


def test_not_even_after_the_higher_one_was_given_up() -> None:
    state = states.rolled_back(states.installed(UpdateState(), published(5), "boot"), "slow", AGENT)
    assert isinstance(states.wanted([published(4, B)], "s/a", state, AGENT), Rejected)
    assert states.wanted([published(5)], "s/a", state, AGENT) is None


def test_a_newer_agent_gives_a_refused_model_another_chance() -> None:
    state = states.refused(UpdateState(), Kept(sha256=A, version=5), "schema_version", AGENT)
    assert states.wanted([published(5)], "s/a", state, AGENT) is None
    assert states.wanted([published(5)], "s/a", state, "0.2.0") == published(5)


def test_what_never_proved_itself_is_nothing_to_go_back_to() -> None:
    proven = states.passed(states.installed(UpdateState(), published(1, A), "boot"))
    doubtful = states.installed(proven, published(2, B), "boot")
    newest = states.installed(doubtful, published(3, C), "boot")
    back = states.rolled_back(newest, "slow", AGENT)
    assert back.current == Kept(sha256=A, version=1)


def test_a_validation_that_takes_the_agent_with_it_twice_is_the_last() -> None:
    state = UpdateState()
    for _ in range(states.MAX_CRASHES):
        state = states.validating(state, published(1), "boot", AGENT)
        assert state.verdict is None
    state = states.validating(state, published(1), "boot", AGENT)
    assert state.verdict is not None
    assert "while validating it" in state.verdict.reason


def test_a_power_cut_in_a_validation_is_not_counted() -> None:
    state = UpdateState()
    for boot in ("1", "2", "3", "4"):
        state = states.validating(state, published(1), boot, AGENT)
    assert state.verdict is None


@pytest.mark.parametrize("crashes", [0, 1])
def test_an_end_in_good_order_is_no_crash(crashes: int) -> None:
    state = states.installed(UpdateState(), published(1), "boot")
    assert state.probation is not None
    state = replace(state, probation=replace(state.probation, crashes=crashes))
    after = states.started(states.ended(state), "boot", AGENT)
    assert after.probation is not None
    assert (after.probation.crashes, after.probation.running) == (crashes, True)


def test_a_proven_model_is_not_blamed_for_a_crash() -> None:
    state = states.passed(states.installed(UpdateState(), published(1), "boot"))
    for _ in range(5):
        state = states.started(state, "boot", AGENT)
    assert state.current == Kept(sha256=A, version=1)


def test_status_reports_what_is_in_use_and_what_became_of_the_latest() -> None:
    state = states.installed(UpdateState(), published(1), "boot")
    assert (states.model_update(state, "fleet").state, states.model_update(state, "fleet").version) == ("probation", 1)
    refused = states.refused(states.passed(state), Kept(sha256=B, version=2), "its labels", AGENT)
    update = states.model_update(refused, "fleet")
    assert (update.state, update.version, update.wanted, update.wanted_model) == ("refused", 1, 2, B[:12])
    assert states.model_update(UpdateState(), "bundled").state == "none"


def test_a_state_that_version_0_1_0_wrote_is_read_and_written_with_the_same_keys() -> None:
    bundle = {"sha256": A, "version": 3}
    written = {
        "v": 1,
        "current": bundle,
        "previous": None,
        "probation": {
            "max_slowdown": 1.5,
            "usual": {"looked_at": 0.9, "face_ms": 2.5},
            "served_s": 12.5,
            "crashes": 1,
            "running": True,
            "boot": "boot",
        },
        "highest": bundle,
        "verdict": {"model": bundle, "state": "refused", "reason": "its labels", "agent": AGENT},
        "tried": {"model": bundle, "boot": "boot", "times": 2},
    }
    state = msgspec.convert(written, UpdateState)
    assert state.probation is not None
    assert state.probation.baseline == Baseline(frame_share=0.9, face_ms=2.5)
    assert msgspec.to_builtins(state) == written
