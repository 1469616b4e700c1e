"""What a device does not take, and the reason it gives."""

from __future__ import annotations

import hashlib
from functools import cache

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from edge_agent.config import ClassifierSettings
from edge_agent.errors import Rejected
from edge_agent.model_format import labels
from edge_agent.model_format.bundle import pack_bundle, unpack_bundle
from edge_agent.model_format.metadata import InputSpec
from edge_agent.protocol.model_manifest import SignedPublication
from edge_agent.vision.classifier import BUNDLED_MODEL
from tests.support.broker import wait_until
from tests.support.golden_models import OTHER_LABELS, dense_bundle, with_wrong_answers
from tests.support.tflite_models import dense_model, metadata
from tests.update.harness import KEY, Harness, manifest_of, sign

OLD = dense_bundle(seed=1)
GOOD = dense_bundle(seed=2)


def test_one_that_another_key_has_signed(harness: Harness) -> None:
    harness.start()
    manifest = manifest_of(GOOD, 1)
    harness.put_parts(GOOD, manifest)
    harness.announce(sign(manifest, Ed25519PrivateKey.generate()))
    assert "not signed with this school's key" in harness.outcome("refused").reason
    assert harness.reported[-1].source == "bundled"


def test_one_that_nobody_has_signed(harness: Harness) -> None:
    harness.start()
    harness.announce(replace(sign(manifest_of(GOOD, 1)), signature=b""))
    assert "not signed with this school's key" in harness.outcome("refused").reason


@pytest.mark.parametrize(
    "payload",
    [
        b"nonsense",
        b"[" * 50_000,
        b'{"v":1,"more":' + b"[" * 50_000,
        b'{"v":2}',
        b'{"v":1,"publications":[{"body":7}]}',
        b"\xff\xfe",
    ],
)
def test_a_message_that_is_none(harness: Harness, payload: bytes) -> None:
    harness.start()
    harness.put("classroom/fleet/models", payload)
    assert "not a message about models" in harness.outcome("refused").reason


def test_a_signature_that_was_made_for_something_else(harness: Harness) -> None:
    harness.start()
    body = msgspec.json.encode(manifest_of(GOOD, 1)).decode()
    harness.announce(SignedPublication(body=body, signature=KEY.sign(body.encode())))
    assert "not signed with this school's key" in harness.outcome("refused").reason


def test_one_that_is_older_than_what_the_device_was_given(harness: Harness) -> None:
    harness.start()
    harness.publish(GOOD, 5)
    harness.take_over()
    harness.publish(OLD, 4)
    report = harness.outcome("refused")
    assert "version 4 is older than version 5" in report.reason
    assert (report.source, report.version) == ("fleet", 5)


def test_the_number_of_a_version_for_another_model(harness: Harness) -> None:
    harness.start()
    harness.publish(GOOD, 5)
    harness.take_over()
    harness.publish(OLD, 5)
    assert "as another model" in harness.outcome("refused").reason


def test_one_without_golden_faces(harness: Harness) -> None:
    harness.start()
    harness.publish(pack_bundle(dense_model(), metadata()), 1)
    assert "no golden faces" in harness.outcome("refused").reason


def test_one_whose_answers_do_not_come_out_as_recorded(harness: Harness) -> None:
    harness.start()
    harness.publish(with_wrong_answers(GOOD), 1, max_slowdown=100.0)
    assert "steps from the recorded one, expected at most 6 of 256" in harness.outcome("refused").reason


def test_one_with_other_labels(harness: Harness) -> None:
    harness.start()
    harness.publish(dense_bundle(names=OTHER_LABELS), 1)
    assert "its labels: got calm, disgust" in harness.outcome("refused").reason


def test_one_whose_labels_have_no_share_in_the_settings(harness: Harness) -> None:
    harness.settings = ClassifierSettings(prior=dict.fromkeys(labels.FER2013, 1 / 7))
    harness.start()
    harness.publish(dense_bundle(names=OTHER_LABELS), 1, new_labels=True)
    assert "its labels do not fit the settings: $.classifier.prior: got a share for angry" in (
        harness.outcome("refused").reason
    )


def test_one_with_the_same_labels_in_another_order(harness: Harness) -> None:
    harness.start()
    harness.publish(dense_bundle(names=labels.FER2013[::-1]), 1)
    assert "its labels: got neutral, surprise" in harness.outcome("refused").reason


def test_one_of_another_input_shape(harness: Harness) -> None:
    harness.start()
    flatbuffer = dense_model(shape=(-1, 48, 48, 3))
    harness.publish(pack_bundle(flatbuffer, metadata()), 1)
    assert "input shape" in harness.outcome("refused").reason


def test_one_for_faces_of_another_size(harness: Harness) -> None:
    harness.start()
    harness.publish(pack_bundle(dense_model(shape=(-1, 64, 64, 1)), metadata(input=InputSpec(size_px=64))), 1)
    assert "input spec: got 64 px" in harness.outcome("refused").reason


def test_one_that_takes_too_long(harness: Harness) -> None:
    harness.start()
    harness.publish(dense_bundle(slow=20), 1)
    assert "its time for a face" in harness.outcome("refused").reason
    assert "1.5 times the present model's" in harness.reported[-1].reason


def test_one_that_ends_the_process_that_validates_it(harness: Harness) -> None:
    # The weights' shape promises more than their buffer holds: runtimes refuse it or crash.
    harness.start()
    broken = GOOD.replace((2304).to_bytes(4, "little"), (9216).to_bytes(4, "little"), 1)
    assert broken != GOOD
    harness.publish(repacked(broken), 1)
    assert harness.outcome("refused").wanted == 1


def repacked(content: bytes) -> bytes:
    """With metadata that fit the changed weights, as who has the key could make them."""
    bundle = unpack_bundle(GOOD, "good")
    return pack_bundle(content[: len(bundle.flatbuffer)], bundle.metadata, bundle.golden)


def test_any_where_the_settings_name_a_model(harness: Harness) -> None:
    harness.settings = ClassifierSettings(model=str(BUNDLED_MODEL))
    harness.start()
    harness.publish(GOOD, 1)
    report = harness.outcome("refused")
    assert (report.source, "classifier.model" in report.reason) == ("settings", True)


def test_a_refused_one_is_not_tried_again_by_the_next_run(harness: Harness) -> None:
    harness.start()
    harness.publish(pack_bundle(dense_model(), metadata()), 1)
    harness.outcome("refused")
    harness.updater.stop(in_order=True)
    harness.reported.clear()
    harness.start()
    harness.outcome("refused")
    assert {report.state for report in harness.reported} == {"refused"}


def test_a_bundle_whose_metadata_were_changed(harness: Harness) -> None:
    harness.start()
    changed = GOOD.replace(b'"temperature": 1.0', b'"temperature": 9.0', 1)
    assert changed != GOOD
    manifest = manifest_of(GOOD, 1)
    harness.put_parts(changed, manifest)
    harness.announce(sign(manifest))
    assert "its sha256 differs" in harness.outcome("refused").reason


def test_a_part_of_another_length_is_not_taken(harness: Harness) -> None:
    harness.start()
    manifest = manifest_of(GOOD, 1)
    harness.put_parts(GOOD[:-1], manifest)
    harness.announce(sign(manifest))
    wait_until(lambda: "part 2 has not the size that was signed" in harness.reported[-1].reason, what="its reason")
    assert not (harness.folder / "models" / f"{manifest.sha256}.tflite").exists()


@cache
def announced() -> tuple[bytes, SignedPublication]:
    manifest = manifest_of(GOOD, 1)
    return msgspec.json.encode(manifest), sign(manifest)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(min_value=0), bit=st.integers(0, 7))
def test_no_bit_of_what_was_signed_may_change(harness: Harness, position: int, bit: int) -> None:
    body, signed = announced()
    flipped = bytearray(body)
    flipped[position % len(body)] ^= 1 << bit
    if not hasattr(harness, "updater"):
        harness.new_updater()
    changed = SignedPublication(body=flipped.decode("latin-1"), signature=signed.signature)
    assert harness.verifier.read(changed) == Rejected("a published model is not signed with this school's key")
    damaged = bytearray(signed.signature)
    damaged[position % 64] ^= 1 << bit
    assert isinstance(harness.verifier.read(replace(signed, signature=bytes(damaged))), Rejected)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_no_bit_of_the_bundle_may_change(harness: Harness, position: int, bit: int) -> None:
    if not hasattr(harness, "updater"):
        harness.start()
    flipped = bytearray(GOOD)
    flipped[position] ^= 1 << bit
    manifest = manifest_of(GOOD, 1, published_at=f"{position}.{bit}")
    harness.reported.clear()
    harness.put_parts(bytes(flipped), manifest)
    harness.announce(sign(manifest))
    assert "its sha256 differs" in harness.outcome("refused").reason
    assert hashlib.sha256(bytes(flipped)).hexdigest() != manifest.sha256
    assert not list((harness.folder / "models").glob("*.tflite"))
