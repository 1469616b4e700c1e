"""Files of a fleet's folder keep the keys that version 0.1.0 wrote."""

from __future__ import annotations

import base64

import msgspec

from edge_agent.enrol.requests import Request, Response, decode_file, encode_file
from fleet.models import PublishedModels
from fleet.register import Register


def rewritten(written: object, kind: type[msgspec.Struct]) -> object:
    """What is written of what was read."""
    return msgspec.json.decode(msgspec.json.encode(msgspec.json.decode(msgspec.json.encode(written), type=kind)))


def test_the_register() -> None:
    written = {
        "v": 1,
        "school": {
            "name": "North School",
            "root": "classroom",
            "hosts": ["broker.school.lan"],
            "port": 8883,
            "broker_folder": "/etc/mosquitto/classroom",
            "reload": ["systemctl", "reload", "mosquitto"],
            "reader": "fleet:abcdefghjkmnpqrs",
        },
        "devices": [
            {
                "site": "school",
                "device": "a",
                "identity": "school:a:abcdefghjkmnpqrs",
                "issued": [{"serial": "1f", "at": "2026-11-22T09:00:00Z", "until": "2028-11-21T09:00:00Z"}],
                "certificate": "PEM",
                "revoked_at": None,
            }
        ],
        "edition": 7,
    }
    assert rewritten(written, Register) == written


def test_the_published_models() -> None:
    written = {
        "v": 1,
        "version": 4,
        "publications": [{"body": "{}", "signature": base64.b64encode(bytes(64)).decode()}],
        "on_broker": [{"sha256": "ab" * 32, "parts": 20}],
    }
    assert rewritten(written, PublishedModels) == {**written, "earlier": []}  # which 0.1.0 did not have


def test_request_and_response() -> None:
    request = {"v": 1, "root": "classroom", "site": "school", "device": "a", "csr": "PEM"}
    response = {
        "v": 1,
        "site": "school",
        "device": "a",
        "host": "broker.school.lan",
        "port": 8883,
        "certificate": "PEM",
        "authority": "PEM",
        "models": "PEM",
    }
    read = decode_file(msgspec.json.encode(request), Request, "request")
    assert msgspec.json.decode(encode_file(read)) == request
    answer = decode_file(msgspec.json.encode(response), Response, "answer")
    assert msgspec.json.decode(encode_file(answer)) == response
