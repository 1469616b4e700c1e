"""What a device remembers of its model updates across restarts, and how that changes.

Pure functions of frozen values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from edge_agent.errors import Rejected
from edge_agent.protocol.messages import ModelUpdate
from edge_agent.protocol.model_manifest import ModelManifest

MAX_CRASHES: Final = 2
"""After so many unexpected ends of the agent during a probation the model is blamed and rolled back. One end is
forgiven: it may have had any cause."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle by its sha256, and the version it was published as."""

    sha256: str
    version: int

    @property
    def model_id(self) -> str:
        """What events call the model."""
        return self.sha256[:12]


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """How the device did with the model before: what a new one is measured against.

    Attributes:
        frame_share: Share of the camera's frames that perception had time for, 0 to 1.
        face_ms: Milliseconds of processor time to classify a face; ``None`` where none was classified.
    """

    frame_share: float = msgspec.field(name="looked_at")
    face_ms: float | None = None


class Probation(msgspec.Struct, frozen=True, kw_only=True):
    """A model in use that has yet to prove itself.

    Attributes:
        max_slowdown: How many times the former model's time it may take.
        baseline: How the device did before; ``None`` where that was not yet known.
        served_s: Seconds for which it has processed frames.
        crashes: How often the agent has ended unexpectedly meanwhile.
        running: Whether a run of the agent with it is going on, or ended unexpectedly.
        boot: Id of the boot of the machine: a power cut is not the model's fault.
    """

    max_slowdown: float
    baseline: Baseline | None = msgspec.field(default=None, name="usual")
    served_s: float = 0.0
    crashes: int = 0
    running: bool = False
    boot: str = ""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A model whose validation has begun: in which boot of the machine, and how often without coming to an end."""

    model: Kept
    boot: str
    times: int = 1


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A published model this device does not run, and why. The same version of the agent does not try it again."""

    model: Kept
    state: Literal["refused", "rolled_back"]
    reason: str
    agent: str


class UpdateState(msgspec.Struct, frozen=True, kw_only=True, tag=1, tag_field="v"):
    """Everything remembered.

    Attributes:
        current: The fleet's model in use; ``None`` for the one that came with the agent.
        previous: The one before, kept to go back to; ``None`` for the one that came with the agent.
        probation: Of ``current``; ``None`` where it has proved itself.
        highest: The latest published model that was decided about; an older one is never taken.
        verdict: Why that one is not in use; ``None`` where it is.
        attempt: The validation going on at this moment. One that is found at a start ended with the agent.
    """

    current: Kept | None = None
    previous: Kept | None = None
    probation: Probation | None = None
    highest: Kept | None = None
    verdict: Verdict | None = None
    attempt: Attempt | None = msgspec.field(default=None, name="tried")


@dataclass(frozen=True, slots=True)
class NotTaken(Rejected):
    """A published model that is not taken, and which it is."""

    model: Kept


def wanted(
    manifests: Sequence[ModelManifest], device: str, state: UpdateState, agent: str
) -> ModelManifest | Rejected | None:
    """The model to get; why none of the published ones is taken; or ``None`` where there is nothing to do.

    Args:
        manifests: Those whose signature is right.
        device: This one, as ``site/device``.
        state: What is remembered.
        agent: The agent's version. A model that another version has refused gets another chance.
    """
    best = max((one for one in manifests if one.is_for(device)), key=lambda one: one.version, default=None)
    if best is None:
        return None
    seen, current, verdict = state.highest, state.current, state.verdict
    if seen is not None and best.version < seen.version:
        return NotTaken(
            f"version {best.version} is older than version {seen.version}, which this device has been given before",
            kept(best),
        )
    if seen is not None and best.version == seen.version and best.sha256 != seen.sha256:
        return NotTaken(
            f"version {best.version} has been given to this device before, as another model ({seen.model_id})",
            kept(best),
        )
    if current is not None and (current.version, current.sha256) == (best.version, best.sha256):
        return None
    if verdict is not None and verdict.model.version == best.version and verdict.agent == agent:
        return None
    return best


def kept(manifest: ModelManifest) -> Kept:
    """How a published model is remembered."""
    return Kept(sha256=manifest.sha256, version=manifest.version)


def validating(state: UpdateState, manifest: ModelManifest, boot: str, agent: str) -> UpdateState:
    """A validation begins. If the agent has crashed in it too often, the model is refused instead."""
    model, before = kept(manifest), state.attempt
    if before is None or before.model != model or before.boot != boot:
        return replace(state, attempt=Attempt(model=model, boot=boot))
    if before.times >= MAX_CRASHES:
        return refused(state, model, f"the agent ended unexpectedly {before.times} times while validating it", agent)
    return replace(state, attempt=replace(before, times=before.times + 1))


def refused(state: UpdateState, model: Kept, reason: str, agent: str) -> UpdateState:
    """A published model is not taken."""
    verdict = Verdict(model=model, state="refused", reason=reason, agent=agent)
    return replace(state, highest=model, verdict=verdict, attempt=None)


def installed(state: UpdateState, manifest: ModelManifest, boot: str) -> UpdateState:
    """A published model has passed its validation and takes over, on probation."""
    new = kept(manifest)
    # A model that never proved itself is nothing to go back to.
    before = state.previous if state.probation is not None else state.current
    probation = Probation(max_slowdown=manifest.max_slowdown, running=True, boot=boot)
    return replace(state, current=new, previous=before, probation=probation, highest=new, verdict=None, attempt=None)


def adopted(state: UpdateState, manifest: ModelManifest) -> UpdateState:
    """The model in use has been published under a new version."""
    new = kept(manifest)
    current = new if state.current is not None else None
    return replace(state, current=current, highest=new, verdict=None)


def started(state: UpdateState, boot: str, agent: str) -> UpdateState:
    """The agent starts. A model under which it has ended unexpectedly too often is taken back.

    Args:
        state: As the last run left it.
        boot: Id of this boot of the machine.
        agent: The agent's version.
    """
    probation = state.probation
    if probation is None:
        return state
    crashed = probation.running and probation.boot == boot
    crashes = probation.crashes + crashed
    if crashes >= MAX_CRASHES:
        reason = f"the agent ended unexpectedly {crashes} times during its probation"
        return rolled_back(state, reason, agent)
    return replace(state, probation=replace(probation, crashes=crashes, running=True, boot=boot))


def served(state: UpdateState, seconds: float) -> UpdateState:
    """The model on probation has processed frames for so many seconds in all."""
    if state.probation is None:
        return state
    return replace(state, probation=replace(state.probation, served_s=seconds))


def ended(state: UpdateState) -> UpdateState:
    """The agent ends in good order."""
    probation = state.probation
    return state if probation is None else replace(state, probation=replace(probation, running=False))


def passed(state: UpdateState) -> UpdateState:
    """The model has proved itself."""
    return replace(state, probation=None)


def rolled_back(state: UpdateState, reason: str, agent: str) -> UpdateState:
    """The model in use does worse than the one before, which takes over again."""
    if state.current is None:
        return state
    verdict = Verdict(model=state.current, state="rolled_back", reason=reason, agent=agent)
    return replace(state, current=state.previous, previous=None, probation=None, verdict=verdict)


def lost(state: UpdateState) -> UpdateState:
    """The file of the model in use is gone or damaged: the one before takes over, and it may be fetched again."""
    return replace(state, current=state.previous, previous=None, probation=None)


def model_update(state: UpdateState, source: Literal["bundled", "settings", "fleet"]) -> ModelUpdate:
    """What ``status`` says while no download and no validation goes on."""
    version = state.current.version if state.current is not None and source == "fleet" else 0
    if state.verdict is not None:
        model = state.verdict.model
        return ModelUpdate(
            source=source,
            version=version,
            state=state.verdict.state,
            wanted=model.version,
            wanted_model=model.model_id,
            reason=state.verdict.reason,
        )
    if state.highest is None:
        return ModelUpdate(source=source, version=version)
    phase: Literal["probation", "current"] = "current" if state.probation is None else "probation"
    return ModelUpdate(
        source=source,
        version=version,
        state=phase,
        wanted=state.highest.version,
        wanted_model=state.highest.model_id,
    )
