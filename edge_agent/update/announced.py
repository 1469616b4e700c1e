"""What a school's message about its models means for one device. Decides; asks nobody and changes nothing."""

from __future__ import annotations

from edge_agent.errors import InputError, Rejected
from edge_agent.protocol.model_manifest import ModelManifest, decode_models
from edge_agent.update.signature import Verifier
from edge_agent.update.state import UpdateState, wanted


def decide(
    payload: bytes, choice: str, verifier: Verifier, device: str, state: UpdateState, agent: str
) -> ModelManifest | Rejected | None:
    """A model to get, the reason for taking none of what is published, or nothing to do.

    Args:
        payload: The message; empty for none.
        choice: The model that an operator wants among those published, by its id; empty for the latest.
        verifier: Knows the school's publications from others.
        device: This one, as ``site/device``.
        state: What is remembered.
        agent: The agent's version.
    """
    publications, rejected = _read(payload, verifier)
    if choice:
        publications = [one for one in publications if one.model_id == choice]
    return wanted(publications, device, state, agent) or rejected


def _read(payload: bytes, verifier: Verifier) -> tuple[list[ModelManifest], Rejected | None]:
    """Those publications that are the school's own, and what is wrong with one that is not."""
    try:
        signed = decode_models(payload).publications if payload else ()
    except InputError as error:
        return [], Rejected(str(error))
    read = [verifier.read(one) for one in signed]
    rejected = next((one for one in read if isinstance(one, Rejected)), None)
    return [one for one in read if isinstance(one, ModelManifest)], rejected
